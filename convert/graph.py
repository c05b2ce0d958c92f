"""A trained Keras model, layer by layer, as TensorFlow operations that every TFLite runtime has.

Weights become constants and the batch is one window, so that no shape is left open. A layer that
normalises is folded into the weights that follow it, the device feeds g and rad/s; or into those
before it, where it comes between weights and their activation.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.topology import WINDOW, Node, clip_of_window, joined, nodes, within

Array64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to emit layers."""

    lstm: str = "unrolled"
    """`unrolled` or `fused` (TFLite's own LSTM operation)."""
    gate_limit: float | None = None
    """Clip what goes into the gates to ±this, so that int8 spends its steps where they count."""
    peaks: Mapping[str, Array64] | None = None
    """For int8: what the filters (n,) of each convolution rarely exceed, by layer name. They are
    scaled alike, for all share one step, and rounded here (see `rounded`)."""
    spans: Mapping[str, list[Array64]] | None = None
    """For int8: the largest size of each channel (n,) of each input of a concatenation."""
    joined: Mapping[str, Node] = field(default_factory=dict)
    """By the name of a layer with weights: it and what is done within it (see `topology`)."""

    def node(self, layer: Any) -> Node:
        """Return a layer with weights, and what is done within it."""
        return self.joined.get(layer.name) or Node(layer, (), layer.name)


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor on its way through the layers."""

    tensor: Any
    lead: int = 1
    """Leading axes that are batch: one, or two inside TimeDistributed."""
    scale: Array64 | None = None
    offset: Array64 | None = None
    """tensor * scale + offset, by channel, is what the next layer should see."""
    bound: float = math.inf
    """No value of the tensor is larger in size."""

    def to(self, tensor: Any) -> "Flow":
        """Carry on with another tensor, to which no scaling is owed."""
        return Flow(tensor, self.lead)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor; every size is known."""
        return tuple(self.tensor.shape)


Emitter = Callable[[Any, Any, Plan], Flow]
"""Takes a layer, a Flow (a list of them where a layer joins several) and the plan."""


def rebuild(model: keras.Model, plan: Plan, emitters: Mapping[type, Emitter]) -> Any:
    """Return the model as a concrete function (1, window, channels) -> (1, classes).

    Raises ConvertError for a layer that none of the emitters is for.
    """
    graph = nodes(model)
    held = clip_of_window(graph) if plan.peaks is not None else None
    graph = joined(graph)
    plan = replace(plan, joined={within(node.layer).name: node for node in graph})

    def forward(x: Any) -> Any:
        flow = Flow(x)
        flows = {WINDOW: flow}
        for node in graph:
            given = [flows[name] for name in node.inputs]
            # What holds the int8 input clips already: its range is the layer's.
            flow = given[0] if node.layer is held else emit(node.layer, given, plan, emitters)
            flows[node.name] = flow
        return settle(flow).tensor

    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="window")
    return tf.function(
        forward, input_signature=[signature], autograph=False
    ).get_concrete_function()


def emit(layer: Any, given: list[Flow], plan: Plan, emitters: Mapping[type, Emitter]) -> Flow:
    """Emit one layer."""
    if isinstance(layer, layers.TimeDistributed):
        flow = given[0]
        inner = emit(layer.layer, [replace(flow, lead=flow.lead + 1)], plan, emitters)
        return replace(inner, lead=flow.lead)
    emitter = emitters.get(type(layer))
    if emitter is None:
        known = ", ".join(sorted(kind.__name__ for kind in emitters))
        raise ConvertError(
            f"layer {layer.name} is a {type(layer).__name__}; convertible are {known}"
        )
    return emitter(layer, given[0] if len(given) == 1 else given, plan)


def settle(flow: Flow) -> Flow:
    """Do the scaling that is owed, for a layer that cannot take it into its weights."""
    if flow.scale is None or flow.offset is None:
        return flow
    scale, offset = flow.scale.astype(np.float32), flow.offset.astype(np.float32)
    return flow.to(flow.tensor * scale + offset)


def activation_of(layer: Any) -> Any:
    """Return the function that a layer, or what is done within it, ends with."""
    if not isinstance(layer, layers.ReLU):
        return layer.activation
    if layer.negative_slope or layer.threshold or layer.max_value not in {None, 6}:
        raise ConvertError(f"layer {layer.name}: only plain ReLU and ReLU6 can be converted")
    return keras.activations.relu if layer.max_value is None else keras.activations.relu6


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
