"""Emitters for layers with memory.

Unrolled, what a layer does to its input is one matrix product for all steps, so the large matrix
is read once and only the small recurrent one at every step.
"""

from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from convert.errors import ConvertError
from convert.graph import Emitter, Flow, Plan, activated, reshaped
from convert.layers import LongLSTM
from convert.weights import constant_of, folded


def lstm(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Emit an LSTM: one operation of TFLite's, or its steps."""
    _refuse_unusual(layer)
    names = tuple(map(keras.activations.serialize, (layer.activation, layer.recurrent_activation)))
    if plan.lstm == "fused" and names == ("tanh", "sigmoid"):
        return _fused(layer, flow)
    cell, units = layer.cell, layer.units
    kernel = constant_of(cell.recurrent_kernel).astype(np.float32)

    def step(z: Any, h: Any, c: Any) -> tuple[Any, Any]:
        if h is not None:
            z = z + tf.matmul(h, kernel)
        # Keras's order of gates: input, forget, candidate, output.
        # The first step forgets nothing, and is sliced: a split with an unused part is left in
        # floating point by TensorFlow's quantiser now and then, from one run to the next.
        z = _limited(z, plan)
        slices = [z[:, k * units : (k + 1) * units] for k in range(4)]
        i, f, g, o = slices if c is None else tf.split(z, 4, 1)
        c_new = activated(cell.recurrent_activation, i) * activated(cell.activation, g)
        if c is not None:
            c_new = activated(cell.recurrent_activation, f) * c + c_new
        h_new = activated(cell.recurrent_activation, o) * activated(cell.activation, c_new)
        return h_new, c_new

    return _unrolled(layer, flow, units, folded(cell.kernel, cell.bias, flow), step)


def gru(layer: Any, flow: Flow, plan: Plan) -> Flow:
    """Emit the steps of a GRU; TFLite has no operation for it."""
    _refuse_unusual(layer)
    cell, units = layer.cell, layer.units
    if not layer.reset_after:
        raise ConvertError(f"layer {layer.name}: a GRU is convertible with reset_after=True only")
    kernel = constant_of(cell.recurrent_kernel).astype(np.float32)
    biases = np.zeros((2, 3 * units)) if cell.bias is None else constant_of(cell.bias)
    recurrent_bias = biases[1].astype(np.float32)

    def step(z: Any, h: Any, _: Any) -> tuple[Any, Any]:
        held = recurrent_bias[np.newaxis] if h is None else tf.matmul(h, kernel) + recurrent_bias
        # Keras's order of gates: update, reset, candidate.
        gates = _limited(z[:, : 2 * units] + held[:, : 2 * units], plan)
        update, reset = tf.split(activated(cell.recurrent_activation, gates), 2, 1)
        candidate = z[:, 2 * units :] + reset * held[:, 2 * units :]
        candidate = activated(cell.activation, _limited(candidate, plan))
        kept = candidate * (1.0 - update)
        return (kept if h is None else kept + update * h), None

    return _unrolled(layer, flow, units, folded(cell.kernel, biases[0], flow), step)


EMITTERS: Final[dict[type, Emitter]] = {layers.GRU: gru, layers.LSTM: lstm, LongLSTM: lstm}


def _unrolled(
    layer: Any,
    flow: Flow,
    units: int,
    weights: tuple[Any, Any],
    step: Callable[[Any, Any, Any], tuple[Any, Any]],
) -> Flow:
    _, steps, features = flow.shape
    projected = tf.matmul(reshaped(flow.tensor, (steps, features)), weights[0]) + weights[1]
    h = c = None
    states = []
    for z in tf.split(projected, steps, 0):
        h, c = step(z, h, c)
        states.append(h)
    if layer.return_sequences:
        return flow.to(reshaped(tf.concat(states, 0), (1, steps, units)))
    return flow.to(h)


def _fused(layer: Any, flow: Flow) -> Flow:
    """Emit UNIDIRECTIONAL_SEQUENCE_LSTM, which the converter makes of a function marked as one."""
    cell, units = layer.cell, layer.units
    kernel, bias = folded(cell.kernel, cell.bias, flow)
    recurrent = constant_of(cell.recurrent_kernel).astype(np.float32)
    mark = {
        "api_implements": f"lstm_{layer.name}",
        "api_preferred_device": "CPU",
        "go_backwards": False,
        "time_major": False,
    }

    # The converter knows the operation by this very signature.
    def body(x: Any, h: Any, c: Any, w: Any, r: Any, b: Any) -> tuple[Any, ...]:  # noqa: PLR0913, PLR0917
        states = []
        for t in range(x.shape[1]):
            i, f, g, o = tf.split(tf.matmul(x[:, t], w) + tf.matmul(h, r) + b, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            states.append(h)
        return h, tf.stack(states, 1), h, c, tf.constant(1.0)

    marked = tf.function(body, autograph=False, experimental_attributes=mark)
    constants = (tf.constant(kernel), tf.constant(recurrent), tf.constant(bias))
    # Two zeros: were they one tensor, the operation would keep both states in one place.
    last, sequence, *_ = marked(flow.tensor, tf.zeros((1, units)), tf.zeros((1, units)), *constants)
    return flow.to(sequence if layer.return_sequences else last)


def _limited(z: Any, plan: Plan) -> Any:
    limit = plan.gate_limit
    return z if limit is None else tf.clip_by_value(z, -limit, limit)


def _refuse_unusual(layer: Any) -> None:
    if layer.go_backwards or layer.stateful or layer.return_state:
        raise ConvertError(
            f"layer {layer.name}: only a plain {type(layer).__name__} is convertible"
        )
