"""A trained Keras model, layer by layer, as TensorFlow operations that every TFLite runtime has.

Weights become constants and the batch is one window, so that no shape is left open. A layer that
normalises the input is folded into the weights that follow it: the device feeds g and rad/s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from convert.errors import ConvertError

Array32 = NDArray[np.float32]
Array64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to emit recurrent layers."""

    lstm: str = "unrolled"
    """`unrolled` or `fused` (TFLite's own LSTM operation)."""
    gate_limit: float | None = None
    """Clip what goes into the gates to ±this, so that int8 spends its steps where they count."""
    peaks: Mapping[str, Array64] | None = None
    """For int8: what the filters (n,) of each convolution rarely exceed, by layer name. They are
    scaled alike, for all share one step, and rounded here (see `rounded`)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor on its way through the layers."""

    tensor: Any
    lead: int = 1
    """Leading axes that are batch: one, or two inside TimeDistributed."""
    scale: Array64 | None = None
    offset: Array64 | None = None
    """tensor * scale + offset, by channel, is what the next layer should see."""

    def to(self, tensor: Any) -> "Flow":
        """Carry on with another tensor, to which no scaling is owed."""
        return Flow(tensor, self.lead)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor; every size is known."""
        return tuple(self.tensor.shape)


Emitter = Callable[[Any, Flow, Plan], Flow]


def rebuild(model: keras.Model, plan: Plan, emitters: dict[type, Emitter]) -> Any:
    """Return the model as a concrete function (1, window, channels) -> (1, classes).

    Raises ConvertError for a layer that none of the emitters is for.
    """

    def forward(x: Any) -> Any:
        flow = Flow(x)
        for layer in chain(model):
            flow = emit(layer, flow, plan, emitters)
        return settle(flow).tensor

    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="window")
    return tf.function(
        forward, input_signature=[signature], autograph=False
    ).get_concrete_function()


def chain(model: keras.Model) -> list[Any]:
    """Return the layers in order; raises ConvertError unless each feeds just the next one."""
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    for before, layer in pairwise(model.layers):
        if layer.input is not before.output:
            raise ConvertError(f"layer {layer.name}: only a chain of layers can be converted")
    return [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]


def emit(layer: Any, flow: Flow, plan: Plan, emitters: dict[type, Emitter]) -> Flow:
    """Emit one layer."""
    if isinstance(layer, layers.TimeDistributed):
        inner = emit(layer.layer, replace(flow, lead=flow.lead + 1), plan, emitters)
        return replace(inner, lead=flow.lead)
    emitter = emitters.get(type(layer))
    if emitter is None:
        known = ", ".join(sorted(kind.__name__ for kind in emitters))
        raise ConvertError(
            f"layer {layer.name} is a {type(layer).__name__}; convertible are {known}"
        )
    return emitter(layer, flow, plan)


def settle(flow: Flow) -> Flow:
    """Do the scaling that is owed, for a layer that cannot take it into its weights."""
    if flow.scale is None or flow.offset is None:
        return flow
    scale, offset = flow.scale.astype(np.float32), flow.offset.astype(np.float32)
    return flow.to(flow.tensor * scale + offset)


def folded(kernel: Any, bias: Any, flow: Flow) -> tuple[Array32, Array32]:
    """Weights (..., channels, out) and bias (out,) as float32, with the scaling taken in."""
    weights = constant_of(kernel)
    constant = np.zeros(weights.shape[-1]) if bias is None else constant_of(bias)
    if flow.scale is not None and flow.offset is not None:
        owed = weights * flow.offset[:, np.newaxis]
        constant = constant + owed.reshape(-1, weights.shape[-1]).sum(0)
        weights = weights * flow.scale[:, np.newaxis]
    return weights.astype(np.float32), constant.astype(np.float32)


def rounded(kernel: Array32, copies: int = 1) -> Array32:
    """Round a kernel (taps, channels, filters) to its int8 steps so that no channel's sum shifts.

    Gravity is a large constant. Rounding each weight for itself changes what a filter makes of a
    constant by up to half a step a tap, which tilts every window alike; so where the taps' errors
    add up, the tap that is nearest to its other neighbour takes that one.

    With `copies` it is a kernel for channels that are given so many times over, (taps, copies *
    channels, filters): each copy has its part of a weight, which makes the steps as much finer.
    """
    scale = np.abs(kernel).max(axis=(0, 1)).astype(np.float64) / (127 * copies)
    steps = kernel / np.where(scale > 0, scale, 1)
    nearest = np.rint(steps)
    shift = np.rint((steps - nearest).sum(0))
    channel, unit = np.indices(shift.shape)
    nearest[((steps - nearest) * shift).argmax(0), channel, unit] += shift
    parts = [(nearest + part) // copies for part in range(copies)]
    return np.asarray(np.concatenate(parts, axis=1) * scale, np.float32)


def constant_of(variable: Any) -> Array64:
    """Read a weight's values while a graph is being built."""
    with tf.init_scope():
        return np.asarray(variable, np.float64)


def reshaped(tensor: Any, shape: tuple[int, ...]) -> Any:
    """Reshape, unless the tensor has that shape already."""
    return tensor if tuple(tensor.shape) == shape else tf.reshape(tensor, shape)


def activated(function: Any, tensor: Any) -> Any:
    """Apply a layer's activation function; raises ConvertError for one that is not known."""
    name = keras.activations.serialize(function)
    if name not in _ACTIVATIONS:
        raise ConvertError(f"activation {name} cannot be converted")
    return _ACTIVATIONS[name](tensor)


_ACTIVATIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "linear": lambda x: x,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "hard_sigmoid": lambda x: tf.nn.relu6(x + 3.0) * (1 / 6),
    "softmax": tf.nn.softmax,
}
