"""How far a model's inner values go, for int8 to spend its steps well."""

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from convert.topology import joined, nodes, within

Array64 = NDArray[np.float64]


def peaks(model: keras.Model, windows: NDArray[np.float32]) -> dict[str, Array64]:
    """Return what 99.9 % of each filter's outputs stay below, (n,), by convolution."""
    convolutions = (layers.Conv1D, layers.SeparableConv1D)
    ends = {
        within(node.layer).name: model.get_layer(node.name).output
        for node in joined(nodes(model))
        if isinstance(within(node.layer), convolutions)
    }
    values = _values(model, list(ends.values()), windows)
    return {name: np.percentile(one, 99.9, axis=0) for name, one in zip(ends, values, strict=True)}


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
