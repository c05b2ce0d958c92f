"""Measures the ranges of a model's intermediate values, from which int8 scales are derived."""

from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from convert.graph import Array64
from convert.topology import Node, joined, nodes, within

CONVOLUTIONS: Final = (layers.Conv1D, layers.SeparableConv1D)


def peaks(model: keras.Model, windows: NDArray[np.float32]) -> dict[str, Array64]:
    """Return the 99.9th percentile of each filter (n,); the maximum before a maximum over time."""
    graph = joined(nodes(model))
    convolutions = [node for node in graph if isinstance(within(node.layer), CONVOLUTIONS)]
    values = _values(model, [model.get_layer(node.name).output for node in convolutions], windows)
    before_maxima = _before_maxima(graph)
    return {
        within(node.layer).name: np.percentile(
            outputs, 100 if node.name in before_maxima else 99.9, axis=0
        )
        for node, outputs in zip(convolutions, values, strict=True)
    }


def _before_maxima(graph: list[Node]) -> set[str]:
    """Return the names of the convolutions that feed a maximum over all time."""
    by_name = {node.name: node for node in graph}
    names = set()
    for node in graph:
        if isinstance(node.layer, layers.GlobalMaxPooling1D):
            at: Node | None = by_name.get(node.inputs[0])
            while at and len(at.inputs) == 1 and not isinstance(within(at.layer), CONVOLUTIONS):
                at = by_name.get(at.inputs[0])
            if at:
                names.add(at.name)
    return names


def spans(model: keras.Model, windows: NDArray[np.float32]) -> dict[str, list[Array64]]:
    """Return the largest magnitude of each channel (n,) of each input, by concatenation."""
    return {
        node.name: [
            np.abs(channels).max(0).astype(np.float64)
            for channels in _values(model, node.layer.input, windows)
        ]
        for node in nodes(model)
        if isinstance(node.layer, layers.Concatenate)
    }


def _values(model: keras.Model, outputs: list[Any], windows: NDArray[np.float32]) -> list[Any]:
    """Return the values (all, channels) of tensors within a model."""
    if not outputs:
        return []
    values = keras.Model(model.inputs[0], outputs)(windows)
    if len(outputs) == 1 and not isinstance(values, list):
        values = [values]
    return [np.asarray(one).reshape(-1, one.shape[-1]) for one in values]
