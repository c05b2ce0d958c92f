"""Emitters for layers along the time axis: convolutions, pooling and cropping."""

import math
from dataclasses import replace
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from convert.errors import ConvertError
from convert.graph import Emitter, Flow, Plan, activated, activation_of, reshaped, settle
from convert.weights import Array32, constant_of, folded, normalising, rounded

COPIED_CHANNELS: Final = 27
"""In int8, an input with few channels is repeated, up to this number of channels."""


def conv1d(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Convolve along time, as a 2-D convolution with slices as rows, which saves a copy."""
    if layer.groups != 1:
        raise ConvertError(f"layer {layer.name}: convolutions in groups cannot be converted")
    flow = _padded(layer, flow)
    kernel, bias = folded(layer.kernel, layer.bias, flow, plan.node(layer).normalisation)
    return _convolved(layer, flow, plan, kernel, bias)


def depthwise_conv1d(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Convolve each channel alone."""
    node = plan.node(layer)
    flow, kernel, bias = _each_channel(layer, layer.kernel, layer.bias, flow)
    if node.normalisation is not None:
        scale, offset = normalising(node.normalisation)
        kernel = (kernel * scale.reshape(kernel.shape[1:])).astype(np.float32)
        bias = (bias * scale + offset).astype(np.float32)
    image = tf.nn.bias_add(_depthwise(layer, flow, kernel), bias)
    return flow.to(_row(activated(activation_of(node.activation or layer), image), flow))


def separable_conv1d(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Convolve each channel alone, then mix the channels."""
    flow, kernel, bias = _each_channel(layer, layer.depthwise_kernel, None, flow)
    image = tf.nn.bias_add(_depthwise(layer, flow, kernel), bias)
    mixed = flow.to(_row(image, flow))
    after = plan.node(layer).normalisation
    pointwise, constant = folded(layer.pointwise_kernel, layer.bias, mixed, after)
    return _convolved(layer, mixed, plan, pointwise, constant, strides=1, dilation=1)


def max_pooling1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Take maxima along time; a pending scaling without a change of sign stays pending."""
    if flow.scale is not None and flow.scale.min() < 0:
        flow = settle(flow)
    size, stride = (1, layer.pool_size[0]), (1, layer.strides[0])
    image = tf.nn.max_pool2d(_image(flow), size, stride, layer.padding.upper())
    return replace(flow, tensor=_row(image, flow))


def average_pooling1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Take means along time; the scaling stays pending, since means leave out the padding."""
    size, stride = (1, layer.pool_size[0]), (1, layer.strides[0])
    image = tf.nn.avg_pool2d(_image(flow), size, stride, layer.padding.upper())
    return replace(flow, tensor=_row(image, flow))


def global_max_pooling1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Take the maximum over all time; scaling as in `max_pooling1d`."""
    if flow.scale is not None and flow.scale.min() < 0:
        flow = settle(flow)
    image = tf.nn.max_pool2d(_image(flow), (1, flow.shape[-2]), 1, "VALID")
    return replace(flow, tensor=_without_time(layer, _row(image, flow)))


def global_average_pooling1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Take the mean over all time; in int8 its output has another scale than its input.

    Over height and width of an image, the only axes with fast code in tflite-runtime.
    """
    image = _image(flow)
    axes = (1, 2) if image.shape[1] == 1 else (2,)
    mean = tf.reduce_mean(image, axes, keepdims=True)
    return replace(flow, tensor=_without_time(layer, _row(mean, flow)))


def cropping1d(layer: Any, flow: Flow, _: Plan) -> Flow:
    """Remove samples at the beginning and the end."""
    before, after = layer.cropping
    return replace(flow, tensor=flow.tensor[..., before : flow.shape[-2] - after, :])


EMITTERS: Final[dict[type, Emitter]] = {
    layers.AveragePooling1D: average_pooling1d,
    layers.Conv1D: conv1d,
    layers.Cropping1D: cropping1d,
    layers.DepthwiseConv1D: depthwise_conv1d,
    layers.GlobalAveragePooling1D: global_average_pooling1d,
    layers.GlobalMaxPooling1D: global_max_pooling1d,
    layers.MaxPooling1D: max_pooling1d,
    layers.SeparableConv1D: separable_conv1d,
}


def _convolved(  # noqa: PLR0913, PLR0917 -- a separable convolution has two kernels
    layer: Any,
    flow: Flow,
    plan: Plan,
    kernel: Array32,
    bias: Array32,
    strides: int | None = None,
    dilation: int | None = None,
) -> Flow:
    activation, pending, copies = activation_of(plan.node(layer).activation or layer), None, 1
    if plan.peaks is not None:
        if keras.activations.serialize(activation) == "relu":
            # Scale each filter to the range 0 to 6, to which relu6 clips at no cost.
            peaks = plan.peaks[layer.name]
            pending = np.maximum(peaks, peaks.max() / 1000 + 1e-9) / 6
            kernel = (kernel / pending).astype(np.float32)
            bias = (bias / pending).astype(np.float32)
            activation = keras.activations.relu6
        copies = max(1, COPIED_CHANNELS // flow.shape[-1])
        kernel = rounded(kernel, copies)
    image = tf.nn.conv2d(
        tf.concat([_image(flow)] * copies, -1) if copies > 1 else _image(flow),
        kernel[np.newaxis],
        strides=(1, strides or layer.strides[0]),
        padding="SAME" if layer.padding == "same" else "VALID",
        dilations=(1, dilation or layer.dilation_rate[0]),
    )
    image = activated(activation, tf.nn.bias_add(image, bias))
    if pending is None:
        return flow.to(_row(image, flow))
    return Flow(_row(image, flow), flow.lead, pending, np.zeros_like(pending), bound=6.0)


def _padded(layer: Any, flow: Flow) -> Flow:
    """Put zeros before the signal if the padding is causal."""
    if layer.padding != "valid" and flow.offset is not None and flow.offset.any():
        flow = settle(flow)  # the padding is zero after the scaling, not before
    if layer.padding != "causal":
        return flow
    before = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
    ends = [[0, 0]] * (len(flow.shape) - 2) + [[before, 0], [0, 0]]
    return replace(flow, tensor=tf.pad(flow.tensor, ends))


def _each_channel(
    layer: Any, variable: Any, bias: Any, flow: Flow
) -> tuple[Flow, Array32, Array32]:
    """Return padded input, kernel (taps, channels, times) and bias of a depthwise convolution."""
    if layer.dilation_rate[0] != 1 or (layer.strides[0] != 1 and flow.lead > 1):
        raise ConvertError(
            f"layer {layer.name}: dilation, or strides in TimeDistributed, cannot be converted"
        )
    flow = _padded(layer, flow)
    kernel = constant_of(variable)
    constant = np.zeros(math.prod(kernel.shape[1:])) if bias is None else constant_of(bias)
    if flow.scale is not None and flow.offset is not None:
        constant = constant + (kernel * flow.offset[:, np.newaxis]).sum(0).ravel()
        kernel = kernel * flow.scale[:, np.newaxis]
    return flow, kernel.astype(np.float32), constant.astype(np.float32)


def _depthwise(layer: Any, flow: Flow, kernel: Array32) -> Any:
    stride = layer.strides[
        0
    ]  # TensorFlow needs two equal strides; an image with strides has one row
    padding = "SAME" if layer.padding == "same" else "VALID"
    return tf.nn.depthwise_conv2d(_image(flow), kernel[np.newaxis], (1, stride, stride, 1), padding)


def _image(flow: Flow) -> Any:
    """Return (..., length, channels) as (1, slices, length, channels)."""
    slices = math.prod(flow.shape[: flow.lead])
    return reshaped(flow.tensor, (1, slices, *flow.shape[flow.lead :]))


def _row(image: Any, flow: Flow) -> Any:
    """Undo `_image`; length and channels may differ."""
    return reshaped(image, (*flow.shape[: flow.lead], *image.shape[2:]))


def _without_time(layer: Any, tensor: Any) -> Any:
    """Return (..., 1, channels) as (..., channels), unless the layer keeps the axis."""
    shape = tuple(tensor.shape)
    return tensor if layer.keepdims else reshaped(tensor, (*shape[:-2], shape[-1]))
