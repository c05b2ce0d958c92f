"""How far a model's inner values go, for int8 to spend its steps well."""

from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from convert.topology import Node, joined, nodes, within

Array64 = NDArray[np.float64]


CONVOLUTIONS: Final = (layers.Conv1D, layers.SeparableConv1D)


def peaks(model: keras.Model, windows: NDArray[np.float32]) -> dict[str, Array64]:
    """Return how far each filter's outputs are let go, (n,), by convolution.

    That is what 99.9 % of them stay below; where a window's largest is what counts, all of them.
    """
    graph = joined(nodes(model))
    those = [node for node in graph if isinstance(within(node.layer), CONVOLUTIONS)]
    values = _values(model, [model.get_layer(node.name).output for node in those], windows)
    largest = _before_maxima(graph)
    return {
        within(node.layer).name: np.percentile(one, 100 if node.name in largest else 99.9, axis=0)
        for node, one in zip(those, values, strict=True)
    }


def _before_maxima(graph: list[Node]) -> set[str]:
    """Name the convolutions whose outputs a maximum over all time is taken of."""
    by_name = {node.name: node for node in graph}
    found = set()
    for node in graph:
        if isinstance(node.layer, layers.GlobalMaxPooling1D):
            at: Node | None = by_name.get(node.inputs[0])
            while at and len(at.inputs) == 1 and not isinstance(within(at.layer), CONVOLUTIONS):
                at = by_name.get(at.inputs[0])
            if at:
                found.add(at.name)
    return found


def spans(model: keras.Model, windows: NDArray[np.float32]) -> dict[str, list[Array64]]:
    """Return the largest size of each channel (n,) of each input, by concatenation."""
    found = {}
    for node in nodes(model):
        if isinstance(node.layer, layers.Concatenate):
            values = _values(model, node.layer.input, windows)
            found[node.name] = [np.abs(one).max(0).astype(np.float64) for one in values]
    return found


def _values(model: keras.Model, outputs: list[Any], windows: NDArray[np.float32]) -> list[Any]:
    """Values (all, channels) of tensors within a model."""
    if not outputs:
        return []
    found = keras.Model(model.inputs[0], outputs)(windows)
    if len(outputs) == 1 and not isinstance(found, list):
        found = [found]
    return [np.asarray(one).reshape(-1, one.shape[-1]) for one in found]
