"""Emitters for layers without memory, but for convolutions and pooling."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import tensorflow as tf
from keras import layers

from convert.errors import ConvertError
from convert.graph import Array64, Emitter, Flow, Plan, activated, activation_of, reshaped, settle
from convert.layers import Channels, Clip
from convert.weights import constant_of, folded, normalising


def dense(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Multiply the last axis; everything before it is rows."""
    whole = plan.node(layer)
    kernel, bias = folded(layer.kernel, layer.bias, flow, whole.normalisation)
    rows = reshaped(flow.tensor, (math.prod(flow.shape[:-1]), flow.shape[-1]))
    out = activated(activation_of(whole.activation or layer), tf.matmul(rows, kernel) + bias)
    return flow.to(reshaped(out, (*flow.shape[:-1], kernel.shape[-1])))


def flatten(_: Any, flow: Flow, __: Plan) -> Flow:
    """Join all axes but the batch; scaling by channel then repeats, for channels come last."""
    size = math.prod(flow.shape[flow.lead :])
    tensor = reshaped(flow.tensor, (*flow.shape[: flow.lead], size))
    if flow.scale is None or flow.offset is None:
        return flow.to(tensor)
    times = size // len(flow.scale)
    scale, offset = np.tile(flow.scale, times), np.tile(flow.offset, times)
    return Flow(tensor, flow.lead, scale, offset, flow.bound)


def reshape(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Reshape all axes but the batch; scaling by channel outlasts it if the channels do."""
    target = tuple(layer.compute_output_shape((None, *flow.shape[flow.lead :]))[1:])
    if target[-1] != flow.shape[-1]:
        flow = settle(flow)
    tensor = reshaped(flow.tensor, (*flow.shape[: flow.lead], *target))
    return replace(flow, tensor=tensor)


def normalization(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Owe (x - mean) / deviation to the next layer."""
    channels = flow.shape[-1]
    mean, variance = constant_of(layer.mean).ravel(), constant_of(layer.variance).ravel()
    if layer.invert or mean.shape != (channels,):
        raise ConvertError(f"layer {layer.name}: only normalisation by channel can be converted")
    flow = settle(flow)
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)  # Keras's own floor
    return Flow(flow.tensor, flow.lead, scale, -mean * scale)


def rescaling(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Owe it to the next layer: a gain costs nothing."""
    scale, offset = (np.full(flow.shape[-1], float(one)) for one in (layer.scale, layer.offset))
    return _owing(flow, scale, offset)


def batch_normalization(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Owe it to the next layer, on top of what is owed already."""
    return _owing(flow, *normalising(layer))


def activation(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Apply an activation that is a layer of its own."""
    flow = settle(flow)
    return flow.to(activated(activation_of(layer), flow.tensor))


def clip(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Clip; in int8 to ±1, owing the rest.

    The multiplication has a scale of its own. Without one, what is clipped here would have to have
    the steps of what it is clipped to, and that may be the input.
    """
    flow = settle(flow)
    if plan.peaks is None:
        return flow.to(tf.clip_by_value(flow.tensor, -layer.limit, layer.limit))
    factor = 0.999 / layer.limit  # never 1, which would be none
    scale = np.full(flow.shape[-1], 1 / factor)
    tensor = tf.clip_by_value(flow.tensor * np.float32(factor), -0.999, 0.999)
    return Flow(tensor, flow.lead, scale, np.zeros_like(scale))


def channels(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Take some channels, and what is owed to them."""
    part = slice(layer.first, layer.first + layer.count)
    tensor = flow.tensor[..., part]
    if flow.scale is None or flow.offset is None:
        return flow.to(tensor)
    return replace(flow, tensor=tensor, scale=flow.scale[part], offset=flow.offset[part])


def nothing(_: Any, flow: Flow, __: Plan) -> Flow:
    """Leave out a layer that only acts in training."""
    return flow


EMITTERS: Final[dict[type, Emitter]] = {
    Channels: channels,
    Clip: clip,
    layers.Activation: activation,
    layers.BatchNormalization: batch_normalization,
    layers.Dense: dense,
    layers.Dropout: nothing,
    layers.Flatten: flatten,
    layers.GaussianNoise: nothing,
    layers.Normalization: normalization,
    layers.ReLU: activation,
    layers.Rescaling: rescaling,
    layers.Reshape: reshape,
    layers.SpatialDropout1D: nothing,
}


def _owing(flow: Flow, scale: Array64, offset: Array64) -> Flow:
    if flow.scale is not None and flow.offset is not None:
        scale, offset = scale * flow.scale, scale * flow.offset + offset
    return replace(flow, scale=scale, offset=offset)
