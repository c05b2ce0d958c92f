"""Emitters for layers without memory."""

import math
from dataclasses import replace
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from convert.errors import ConvertError
from convert.graph import (
    Emitter,
    Flow,
    Plan,
    activated,
    constant_of,
    folded,
    reshaped,
    rounded,
    settle,
)
from convert.layers import Clip

COPIED_CHANNELS: Final = 27
"""In int8, an input of few channels is given several times over, up to so many channels."""


def conv1d(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Convolve along time, as a 2-D convolution whose rows are the slices: no copy in between."""
    if layer.padding not in {"valid", "same"} or layer.groups != 1:
        raise ConvertError(f"layer {layer.name}: only plain convolutions, padding valid or same")
    if layer.padding == "same" and flow.offset is not None and flow.offset.any():
        flow = settle(flow)  # zeros pad what the layer sees, which is the normalised signal
    kernel, bias = folded(layer.kernel, layer.bias, flow)
    activation, owed, copies = layer.activation, None, 1
    if plan.peaks is not None:
        if keras.activations.serialize(activation) == "relu":
            # Every filter then fills the same range, whose end relu6 gives for nothing.
            peaks = plan.peaks[layer.name]
            owed = np.maximum(peaks, peaks.max() / 1000 + 1e-9) / 6
            kernel, bias = (kernel / owed).astype(np.float32), (bias / owed).astype(np.float32)
            activation = keras.activations.relu6
        copies = max(1, COPIED_CHANNELS // flow.shape[-1])
        kernel = rounded(kernel, copies)
    image = tf.nn.conv2d(
        tf.concat([_image(flow)] * copies, -1) if copies > 1 else _image(flow),
        kernel[np.newaxis],
        strides=(1, layer.strides[0]),
        padding=layer.padding.upper(),
        dilations=(1, layer.dilation_rate[0]),
    )
    image = activated(activation, tf.nn.bias_add(image, bias))
    tensor = reshaped(image, (*flow.shape[: flow.lead], *image.shape[2:]))
    return Flow(tensor, flow.lead, owed, None if owed is None else np.zeros_like(owed))


def max_pooling1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Pool along time; scaling that is owed can wait, as long as it turns no value over."""
    if flow.scale is not None and flow.scale.min() < 0:
        flow = settle(flow)
    size, stride = (1, layer.pool_size[0]), (1, layer.strides[0])
    image = tf.nn.max_pool2d(_image(flow), size, stride, layer.padding.upper())
    return replace(flow, tensor=reshaped(image, (*flow.shape[: flow.lead], *image.shape[2:])))


def dense(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Multiply the last axis; everything before it is rows."""
    kernel, bias = folded(layer.kernel, layer.bias, flow)
    rows = reshaped(flow.tensor, (math.prod(flow.shape[:-1]), flow.shape[-1]))
    out = activated(layer.activation, tf.matmul(rows, kernel) + bias)
    return flow.to(reshaped(out, (*flow.shape[:-1], kernel.shape[-1])))


def flatten(_: Any, flow: Flow, __: Plan) -> Flow:
    """Join all axes but the batch; scaling by channel then repeats, for channels come last."""
    size = math.prod(flow.shape[flow.lead :])
    tensor = reshaped(flow.tensor, (*flow.shape[: flow.lead], size))
    if flow.scale is None or flow.offset is None:
        return flow.to(tensor)
    times = size // len(flow.scale)
    return Flow(tensor, flow.lead, np.tile(flow.scale, times), np.tile(flow.offset, times))


def reshape(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Reshape all axes but the batch; scaling by channel outlasts it if the channels do."""
    target = tuple(layer.compute_output_shape((None, *flow.shape[flow.lead :]))[1:])
    if target[-1] != flow.shape[-1]:
        flow = settle(flow)
    tensor = reshaped(flow.tensor, (*flow.shape[: flow.lead], *target))
    return Flow(tensor, flow.lead, flow.scale, flow.offset)


def normalization(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Owe (x - mean) / deviation to the next layer."""
    channels = flow.shape[-1]
    mean, variance = constant_of(layer.mean).ravel(), constant_of(layer.variance).ravel()
    if layer.invert or mean.shape != (channels,):
        raise ConvertError(f"layer {layer.name}: only normalisation by channel can be converted")
    flow = settle(flow)
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)  # Keras's own floor
    return Flow(flow.tensor, flow.lead, scale, -mean * scale)


def activation(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Apply an activation that is a layer of its own."""
    flow = settle(flow)
    return flow.to(activated(layer.activation, flow.tensor))


def clip(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Clip; in int8, what holds the input clips already, for its range is the layer's."""
    if plan.peaks is not None and flow.scale is None:
        return flow
    flow = settle(flow)
    return flow.to(tf.clip_by_value(flow.tensor, -layer.limit, layer.limit))


def nothing(_: Any, flow: Flow, __: Plan) -> Flow:
    """Leave out a layer that only acts in training."""
    return flow


EMITTERS: Final[dict[type, Emitter]] = {
    Clip: clip,
    layers.Activation: activation,
    layers.Conv1D: conv1d,
    layers.Dense: dense,
    layers.Dropout: nothing,
    layers.Flatten: flatten,
    layers.MaxPooling1D: max_pooling1d,
    layers.Normalization: normalization,
    layers.Reshape: reshape,
}


def _image(flow: Flow) -> Any:
    """(..., length, channels) as (1, slices, length, channels)."""
    slices = math.prod(flow.shape[: flow.lead])
    return reshaped(flow.tensor, (1, slices, *flow.shape[flow.lead :]))
