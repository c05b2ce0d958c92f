"""Measures the cost of a network: multiplications, time for a window, training time."""

import math
import statistics
import time
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from convert import runtime_process
from train.fitting.fit import fit
from train.networks.recipes import Recipe
from train.waist.windows import LabelledWindows

TIMED_WINDOWS = 50
Shape = tuple[int | None, ...]


def multiplications(model: keras.Model) -> int:
    """Count the multiply-accumulates for one window: convolutions, products, recurrent steps.

    Element-wise operations (activations, gates, pooling, scaling) do not count.
    """
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: Any) -> int:
    if isinstance(layer, layers.TimeDistributed):
        inner, slices = layer.layer, layer.output.shape[1]
        shape = (None, *layer.output.shape[2:])
        return int(slices * _of_plain(inner, shape, (None, *layer.input.shape[2:])))
    if not layer.weights or isinstance(layer, layers.Normalization):
        return 0
    return _of_plain(layer, layer.output.shape, layer.input.shape)


def _of_plain(layer: Any, output_shape: Shape, input_shape: Shape) -> int:
    """Count the multiply-accumulates of a layer: one for every use of a weight."""
    sizes = [math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1]
    if isinstance(layer, layers.Conv1D):
        return int(sum(sizes) * (output_shape[1] or 0))
    if isinstance(layer, layers.Dense):
        return int(sum(sizes) * math.prod(size or 1 for size in output_shape[1:-1]))
    if isinstance(layer, layers.LSTM | layers.GRU):
        matrices = math.prod(layer.cell.kernel.shape) + math.prod(layer.cell.recurrent_kernel.shape)
        return int(matrices * (input_shape[1] or 0))
    if not layer.weights:
        return 0
    raise NotImplementedError(f"cannot count the multiplications of a {type(layer).__name__}")


def us_a_window(flatbuffer: bytes, windows: NDArray[np.float32]) -> dict[str, float]:
    """Return each runtime's median processor time for one real window on one thread, µs.

    Raises ConvertError if a runtime refuses the model.
    """
    timed = windows[np.linspace(0, len(windows) - 1, TIMED_WINDOWS).astype(int)]
    return {
        runtime: round(statistics.median(runtime_process.latency_us(flatbuffer, timed, runtime)), 1)
        for runtime in runtime_process.installed()
    }


def training_s(recipe: Recipe, train: LabelledWindows) -> float:
    """Measure the processor time of one epoch, s; raises DataError as `fit` does."""
    times = []
    for epochs in (1, 2):  # both times include the tracing of the network
        began = time.process_time()
        fit(replace(recipe, epochs=epochs), 0, train)
        times.append(time.process_time() - began)
    return times[1] - times[0]
