"""Turns a layer's weights into constants: with scaling folded in, and rounded for int8."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.graph import Array64, Flow

Array32 = NDArray[np.float32]


def folded(kernel: Any, bias: Any, flow: Flow, after: Any = None) -> tuple[Array32, Array32]:
    """Return weights (..., channels, out) and bias (out,), with scaling folded in.

    Both the flow's pending scaling and that of `after`, a BatchNormalization or None.
    """
    weights = constant_of(kernel)
    constant = np.zeros(weights.shape[-1]) if bias is None else constant_of(bias)
    if flow.scale is not None and flow.offset is not None:
        shift = weights * flow.offset[:, np.newaxis]
        constant = constant + shift.reshape(-1, weights.shape[-1]).sum(0)
        weights = weights * flow.scale[:, np.newaxis]
    if after is not None:
        scale, offset = normalising(after)
        weights, constant = weights * scale, constant * scale + offset
    return weights.astype(np.float32), constant.astype(np.float32)


def normalising(layer: Any) -> tuple[Array64, Array64]:
    """Return scale and offset (channels,) of a BatchNormalization; raises ConvertError."""
    if layer.axis not in {-1, len(layer.input.shape) - 1}:
        raise ConvertError(f"layer {layer.name}: only normalisation by channel can be converted")
    scale = 1 / np.sqrt(constant_of(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * constant_of(layer.gamma)
    shift = constant_of(layer.beta) if layer.center else 0.0
    return scale, shift - constant_of(layer.moving_mean) * scale


def rounded(kernel: Array32, copies: int = 1) -> Array32:
    """Round a kernel (taps, channels, filters) to int8 steps, preserving each channel's sum.

    Gravity is a large constant signal. Rounding each weight alone changes a filter's output for a
    constant by up to half a step per tap, with the same sign in every window. So if the errors of
    the taps add up, the tap nearest to its other neighbouring step takes that step.

    With `copies` the result (taps, copies * channels, filters) is for an input that repeats its
    channels so many times: a weight is split among the copies, so its steps are finer.
    """
    scale = np.abs(kernel).max(axis=(0, 1)).astype(np.float64) / (127 * copies)
    steps = kernel / np.where(scale > 0, scale, 1)
    nearest = np.rint(steps)
    error = (steps - nearest).sum(0)
    # For a sum in the middle of two steps: the smaller shift, so no tap moves by two steps.
    shift = np.sign(error) * np.ceil(np.abs(error) - 0.5)
    channel, unit = np.indices(shift.shape)
    nearest[((steps - nearest) * shift).argmax(0), channel, unit] += shift
    parts = [(nearest + part) // copies for part in range(copies)]
    return np.asarray(np.concatenate(parts, axis=1) * scale, np.float32)


def constant_of(variable: Any) -> Array64:
    """Return a weight's values, also while a graph is being built."""
    with tf.init_scope():
        return np.asarray(variable, np.float64)
