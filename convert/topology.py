"""Which layer feeds which, and which layers are done within the one before them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import keras
from keras import layers

from convert.errors import ConvertError
from convert.layers import Clip

WINDOW: Final = ""
"""Stands for the model's input among the names of layers."""

_WITH_WEIGHTS: Final = (
    layers.Conv1D,
    layers.Dense,
    layers.DepthwiseConv1D,
    layers.SeparableConv1D,
)


@dataclass(frozen=True, slots=True)
class Node:
    """A layer and whose outputs it takes, by the names of layers."""

    layer: Any
    inputs: tuple[str, ...]
    name: str
    """Of the layer whose output this is: the layer itself, or the last one of its tail."""
    normalisation: Any = None
    """A BatchNormalization that is done within the layer's weights."""
    activation: Any = None
    """An activation after that, done with the layer's own."""


def nodes(model: keras.Model) -> list[Node]:
    """Return the layers, each after those that it takes from; the last gives the model's answer.

    Raises ConvertError for a layer that is used twice, or takes what no layer made.
    """
    if isinstance(model, keras.Sequential):
        before = [WINDOW, *(layer.name for layer in model.layers)]
        return [Node(layer, (before[i],), layer.name) for i, layer in enumerate(model.layers)]
    made = {id(model.inputs[0]): WINDOW}  # Keras gives a tensor no name that stays
    found = []
    for layer in model.layers:  # in order of depth
        if isinstance(layer, layers.InputLayer):
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if any(id(one) not in made for one in inputs):
            raise ConvertError(
                f"layer {layer.name}: takes what is not the first output of a layer; make every"
                " step a layer, and use each of them once"
            )
        found.append(Node(layer, tuple(made[id(one)] for one in inputs), layer.name))
        made[id(layer.output)] = layer.name
    if not found or found[-1].layer.output is not model.outputs[0]:
        raise ConvertError("its answer is not the first output of a layer; use each layer once")
    return found


def clip_of_window(graph: Sequence[Node]) -> Clip | None:
    """Return the Clip that the window goes through before anything else, if there is one."""
    first = [node.layer for node in graph if WINDOW in node.inputs]
    return first[0] if len(first) == 1 and isinstance(first[0], Clip) else None


def joined(graph: Sequence[Node]) -> list[Node]:
    """Have batch normalisation and activation done within the weights just before them.

    Only where nothing else takes the outputs of those weights.
    """
    uses = Counter(name for node in graph for name in node.inputs)
    after = {name: node.layer for node in graph for name in node.inputs if uses[name] == 1}
    left: list[Node] = []
    done = set[str]()
    for node in graph:
        if node.name in done:
            continue
        inner, whole = within(node.layer), node
        if isinstance(inner, _WITH_WEIGHTS) and inner.activation is keras.activations.linear:
            if isinstance(follower := after.get(whole.name), layers.BatchNormalization):
                whole = replace(whole, normalisation=follower, name=follower.name)
                done.add(follower.name)
            if isinstance(follower := after.get(whole.name), layers.Activation | layers.ReLU):
                whole = replace(whole, activation=follower, name=follower.name)
                done.add(follower.name)
        left.append(whole)
    return left


def within(layer: Any) -> Any:
    """Return what a TimeDistributed wraps; any other layer as it is."""
    return layer.layer if isinstance(layer, layers.TimeDistributed) else layer
