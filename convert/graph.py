"""Rebuilds a trained Keras model from TensorFlow operations that every TFLite runtime has.

Weights become constants and the batch is one window, so every shape is known. A normalisation is
folded into the weights of the next layer, or of the layer before if an activation follows; so the
converted model takes g and rad/s.
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
    """Options for emitters."""

    lstm: str = "unrolled"
    """`unrolled` or `fused` (TFLite's own LSTM operation)."""
    gate_limit: float | None = None
    """Clip the inputs of gates to ±this; a smaller range gives finer int8 steps."""
    peaks: Mapping[str, Array64] | None = None
    """For int8: output range of each filter (n,) of a convolution, by layer name. All filters share
    one int8 step, so each is scaled to the same range, and its weights are rounded (`rounded`)."""
    spans: Mapping[str, list[Array64]] | None = None
    """For int8: largest magnitude of each channel (n,) of each input, by concatenation."""
    joined: Mapping[str, Node] = field(default_factory=dict)
    """Node of each layer with weights, by layer name (see `topology.joined`)."""

    def node(self, layer: Any) -> Node:
        """Return the node of a layer with weights."""
        return self.joined.get(layer.name) or Node(layer, (), layer.name)


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor between two layers, with a scaling that the next layer must apply."""

    tensor: Any
    lead: int = 1
    """Number of batch axes: one, or two inside TimeDistributed."""
    scale: Array64 | None = None
    offset: Array64 | None = None
    """Pending scaling: the input of the next layer is tensor * scale + offset, by channel."""
    bound: float = math.inf
    """Upper bound of the magnitude of the tensor's values."""

    def to(self, tensor: Any) -> "Flow":
        """Return a flow with another tensor and no pending scaling."""
        return Flow(tensor, self.lead)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor; every size is known."""
        return tuple(self.tensor.shape)


Emitter = Callable[[Any, Any, Plan], Flow]
"""Takes a layer, its input Flow (a list for a layer with several inputs) and the plan."""


def rebuild(model: keras.Model, plan: Plan, emitters: Mapping[type, Emitter]) -> Any:
    """Return the model as a function (1, window, channels) -> (1, classes); raises ConvertError."""
    graph = nodes(model)
    input_clip = clip_of_window(graph) if plan.peaks is not None else None
    graph = joined(graph)
    plan = replace(plan, joined={within(node.layer).name: node for node in graph})

    def forward(x: Any) -> Any:
        flow = Flow(x)
        flows = {WINDOW: flow}
        for node in graph:
            inputs = [flows[name] for name in node.inputs]
            # The int8 input has the range of this Clip, so the quantisation itself clips.
            skipped = node.layer is input_clip
            flow = inputs[0] if skipped else emit(node.layer, inputs, plan, emitters)
            flows[node.name] = flow
        return settle(flow).tensor

    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="window")
    return tf.function(
        forward, input_signature=[signature], autograph=False
    ).get_concrete_function()


def emit(layer: Any, inputs: list[Flow], plan: Plan, emitters: Mapping[type, Emitter]) -> Flow:
    """Emit one layer; raises ConvertError for a layer without an emitter."""
    if isinstance(layer, layers.TimeDistributed):
        flow = inputs[0]
        inner = emit(layer.layer, [replace(flow, lead=flow.lead + 1)], plan, emitters)
        return replace(inner, lead=flow.lead)
    emitter = emitters.get(type(layer))
    if emitter is None:
        known = ", ".join(sorted(kind.__name__ for kind in emitters))
        raise ConvertError(
            f"layer {layer.name}: a {type(layer).__name__} cannot be converted; use one of {known}"
        )
    return emitter(layer, inputs[0] if len(inputs) == 1 else inputs, plan)


def settle(flow: Flow) -> Flow:
    """Apply the pending scaling, for a layer that cannot fold it into its weights."""
    if flow.scale is None or flow.offset is None:
        return flow
    scale, offset = flow.scale.astype(np.float32), flow.offset.astype(np.float32)
    return flow.to(flow.tensor * scale + offset)


def activation_of(layer: Any) -> Any:
    """Return the activation function of a layer; raises ConvertError for an unusual ReLU."""
    if not isinstance(layer, layers.ReLU):
        return layer.activation
    if layer.negative_slope or layer.threshold or layer.max_value not in {None, 6}:
        raise ConvertError(f"layer {layer.name}: only plain ReLU and ReLU6 can be converted")
    return keras.activations.relu if layer.max_value is None else keras.activations.relu6


def reshaped(tensor: Any, shape: tuple[int, ...]) -> Any:
    """Reshape a tensor, unless it has that shape already."""
    return tensor if tuple(tensor.shape) == shape else tf.reshape(tensor, shape)


def activated(function: Any, tensor: Any) -> Any:
    """Apply an activation function; raises ConvertError for an unknown one."""
    name = keras.activations.serialize(function)
    if name not in _ACTIVATIONS:
        raise ConvertError(f"activation {name} cannot be converted; use another one")
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
