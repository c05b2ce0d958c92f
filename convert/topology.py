"""The graph of a Keras model's layers, and the layers that can be merged into one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import keras
from keras import layers

from convert.errors import ConvertError
from convert.layers import Clip

WINDOW: Final = ""
"""Name of the model's input, beside the names of layers."""

_WITH_WEIGHTS: Final = (layers.Conv1D, layers.Dense, layers.DepthwiseConv1D, layers.SeparableConv1D)


@dataclass(frozen=True, slots=True)
class Node:
    """A layer, the names of its inputs, and the layers merged into it."""

    layer: Any
    inputs: tuple[str, ...]
    name: str
    """Name of the last merged layer, whose output this node gives; else of the layer itself."""
    normalisation: Any = None
    """The BatchNormalization that is folded into the layer's weights."""
    activation: Any = None
    """The activation layer that follows."""


def nodes(model: keras.Model) -> list[Node]:
    """Return the layers, each after its inputs; raises ConvertError if one is used twice."""
    if isinstance(model, keras.Sequential):
        before = [WINDOW, *(layer.name for layer in model.layers)]
        return [Node(layer, (before[i],), layer.name) for i, layer in enumerate(model.layers)]
    made_by = {id(model.inputs[0]): WINDOW}  # names of Keras tensors are not unique
    graph = []
    for layer in model.layers:  # in order of depth
        if isinstance(layer, layers.InputLayer):
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if any(id(one) not in made_by for one in inputs):
            raise ConvertError(
                f"layer {layer.name}: an input is not the first output of a layer; make every step"
                " a layer, and use each layer once"
            )
        graph.append(Node(layer, tuple(made_by[id(one)] for one in inputs), layer.name))
        made_by[id(layer.output)] = layer.name
    if not graph or graph[-1].layer.output is not model.outputs[0]:
        raise ConvertError("the model's output is not that of its last layer; use each layer once")
    return graph


def clip_of_window(graph: Sequence[Node]) -> Clip | None:
    """Return the Clip layer that alone takes the model's input; None without it."""
    first = [node.layer for node in graph if WINDOW in node.inputs]
    return first[0] if len(first) == 1 and isinstance(first[0], Clip) else None


def joined(graph: Sequence[Node]) -> list[Node]:
    """Merge normalisation and activation into the layer before, if only they take its output."""
    uses = Counter(name for node in graph for name in node.inputs)
    after = {name: node.layer for node in graph for name in node.inputs if uses[name] == 1}
    remaining: list[Node] = []
    merged = set[str]()
    for node in graph:
        if node.name in merged:
            continue
        inner, whole = within(node.layer), node
        if isinstance(inner, _WITH_WEIGHTS) and inner.activation is keras.activations.linear:
            if isinstance(follower := after.get(whole.name), layers.BatchNormalization):
                whole = replace(whole, normalisation=follower, name=follower.name)
                merged.add(follower.name)
            if isinstance(follower := after.get(whole.name), layers.Activation | layers.ReLU):
                whole = replace(whole, activation=follower, name=follower.name)
                merged.add(follower.name)
        remaining.append(whole)
    return remaining


def within(layer: Any) -> Any:
    """Return the layer within a TimeDistributed; any other layer unchanged."""
    return layer.layer if isinstance(layer, layers.TimeDistributed) else layer
