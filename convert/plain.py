"""Emitters for layers without memory."""

import math
from typing import Any, Final

import numpy as np
import tensorflow as tf
from keras import layers

from convert.errors import ConvertError
from convert.graph import Emitter, Flow, Plan, activated, constant_of, folded, reshaped, settle


def conv1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Convolve along time, as a 2-D convolution whose rows are the slices: no copy in between."""
    if layer.padding not in {"valid", "same"} or layer.groups != 1:
        raise ConvertError(f"layer {layer.name}: only plain convolutions, padding valid or same")
    if layer.padding == "same":
        flow = settle(flow)  # zeros pad what the layer sees, which is the normalised signal
    kernel, bias = folded(layer.kernel, layer.bias, flow)
    image = tf.nn.conv2d(
        _image(flow),
        kernel[np.newaxis],
        strides=(1, layer.strides[0]),
        padding=layer.padding.upper(),
        dilations=(1, layer.dilation_rate[0]),
    )
    image = activated(layer.activation, tf.nn.bias_add(image, bias))
    return flow.to(reshaped(image, (*flow.shape[: flow.lead], *image.shape[2:])))


def max_pooling1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Pool along time."""
    flow = settle(flow)
    size, stride = (1, layer.pool_size[0]), (1, layer.strides[0])
    image = tf.nn.max_pool2d(_image(flow), size, stride, layer.padding.upper())
    return flow.to(reshaped(image, (*flow.shape[: flow.lead], *image.shape[2:])))


def dense(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Multiply the last axis; everything before it is rows."""
    kernel, bias = folded(layer.kernel, layer.bias, flow)
    rows = reshaped(flow.tensor, (math.prod(flow.shape[:-1]), flow.shape[-1]))
    out = activated(layer.activation, tf.matmul(rows, kernel) + bias)
    return flow.to(reshaped(out, (*flow.shape[:-1], kernel.shape[-1])))


def flatten(_: Any, flow: Flow, __: Plan) -> Flow:
    """Join all axes but the batch."""
    flow = settle(flow)
    head = flow.shape[: flow.lead]
    return flow.to(reshaped(flow.tensor, (*head, math.prod(flow.shape[flow.lead :]))))


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


def nothing(_: Any, flow: Flow, __: Plan) -> Flow:
    """Leave out a layer that only acts in training."""
    return flow


EMITTERS: Final[dict[type, Emitter]] = {
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
