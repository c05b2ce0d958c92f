"""Emitters for layers without memory, except convolutions and pooling."""

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
    """Multiply the last axis; all other axes become rows."""
    node = plan.node(layer)
    kernel, bias = folded(layer.kernel, layer.bias, flow, node.normalisation)
    rows = reshaped(flow.tensor, (math.prod(flow.shape[:-1]), flow.shape[-1]))
    out = activated(activation_of(node.activation or layer), tf.matmul(rows, kernel) + bias)
    return flow.to(reshaped(out, (*flow.shape[:-1], kernel.shape[-1])))


def flatten(_: Any, flow: Flow, __: Plan) -> Flow:
    """Join all axes except the batch; channels come last, so a scaling by channel repeats."""
    size = math.prod(flow.shape[flow.lead :])
    tensor = reshaped(flow.tensor, (*flow.shape[: flow.lead], size))
    if flow.scale is None or flow.offset is None:
        return flow.to(tensor)
    times = size // len(flow.scale)
    scale, offset = np.tile(flow.scale, times), np.tile(flow.offset, times)
    return Flow(tensor, flow.lead, scale, offset, flow.bound)


def reshape(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Reshape all axes except the batch; the scaling stays pending if the channels stay."""
    target = tuple(layer.compute_output_shape((None, *flow.shape[flow.lead :]))[1:])
    if target[-1] != flow.shape[-1]:
        flow = settle(flow)
    tensor = reshaped(flow.tensor, (*flow.shape[: flow.lead], *target))
    return replace(flow, tensor=tensor)


def normalization(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Leave (x - mean) / deviation pending for the next layer."""
    channels = flow.shape[-1]
    mean, variance = constant_of(layer.mean).ravel(), constant_of(layer.variance).ravel()
    if layer.invert or mean.shape != (channels,):
        raise ConvertError(f"layer {layer.name}: only normalisation by channel can be converted")
    flow = settle(flow)
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)  # the floor that Keras uses
    return Flow(flow.tensor, flow.lead, scale, -mean * scale)


def rescaling(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Leave the gain and offset pending for the next layer."""
    scale, offset = (np.full(flow.shape[-1], float(one)) for one in (layer.scale, layer.offset))
    return _also_pending(flow, scale, offset)


def batch_normalization(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Leave the normalisation pending for the next layer."""
    return _also_pending(flow, *normalising(layer))


def activation(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Apply an activation layer that is not merged into another layer."""
    flow = settle(flow)
    return flow.to(activated(activation_of(layer), flow.tensor))


def clip(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Clip; in int8 to ±1, with the inverse scaling pending (see `merging._scaled_to_one`)."""
    flow = settle(flow)
    if plan.peaks is None:
        return flow.to(tf.clip_by_value(flow.tensor, -layer.limit, layer.limit))
    factor = 0.999 / layer.limit  # never 1: the converter removes a multiplication by 1
    scale = np.full(flow.shape[-1], 1 / factor)
    tensor = tf.clip_by_value(flow.tensor * np.float32(factor), -0.999, 0.999)
    return Flow(tensor, flow.lead, scale, np.zeros_like(scale))


def channels(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Select channels, and their pending scaling."""
    part = slice(layer.first, layer.first + layer.count)
    tensor = flow.tensor[..., part]
    if flow.scale is None or flow.offset is None:
        return flow.to(tensor)
    return replace(flow, tensor=tensor, scale=flow.scale[part], offset=flow.offset[part])


def nothing(_: Any, flow: Flow, __: Plan) -> Flow:
    """Skip a layer that acts only in training."""
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


def _also_pending(flow: Flow, scale: Array64, offset: Array64) -> Flow:
    if flow.scale is not None and flow.offset is not None:
        scale, offset = scale * flow.scale, scale * flow.offset + offset
    return replace(flow, scale=scale, offset=offset)
