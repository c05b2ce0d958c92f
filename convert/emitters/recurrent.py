"""Emitters for recurrent layers.

An unrolled layer multiplies its input of all steps by one matrix, so the large matrix is read
once; only the small recurrent matrix is read at every step.
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
    """Emit an LSTM, as one TFLite operation (fused) or step by step (unrolled)."""
    _refuse_unusual(layer)
    names = tuple(map(keras.activations.serialize, (layer.activation, layer.recurrent_activation)))
    if plan.lstm == "fused" and names == ("tanh", "sigmoid"):
        return _fused(layer, flow)
    cell, units = layer.cell, layer.units
    kernel = constant_of(cell.recurrent_kernel).astype(np.float32)

    def step(z: Any, h: Any, c: Any) -> tuple[Any, Any]:
        if h is not None:
            z = z + tf.matmul(h, kernel)
        # Keras's order of gates: input, forget, candidate, output. The first step has no forget
        # gate, so it is sliced: TensorFlow's quantiser, in some runs but not in others, leaves a
        # split with an unused part in floating point.
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
    """Emit a GRU step by step; TFLite has no operation for it."""
    _refuse_unusual(layer)
    cell, units = layer.cell, layer.units
    if not layer.reset_after:
        raise ConvertError(f"layer {layer.name}: a GRU needs reset_after=True to be converted")
    kernel = constant_of(cell.recurrent_kernel).astype(np.float32)
    biases = np.zeros((2, 3 * units)) if cell.bias is None else constant_of(cell.bias)
    recurrent_bias = biases[1].astype(np.float32)

    def step(z: Any, h: Any, _: Any) -> tuple[Any, Any]:
        recurrent = recurrent_bias[np.newaxis]
        if h is not None:
            recurrent = tf.matmul(h, kernel) + recurrent_bias
        # Keras's order of gates: update, reset, candidate.
        gates = _limited(z[:, : 2 * units] + recurrent[:, : 2 * units], plan)
        update, reset = tf.split(activated(cell.recurrent_activation, gates), 2, 1)
        candidate = z[:, 2 * units :] + reset * recurrent[:, 2 * units :]
        candidate = activated(cell.activation, _limited(candidate, plan))
        h_new = candidate * (1.0 - update)
        return (h_new if h is None else h_new + update * h), None

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
    """Emit UNIDIRECTIONAL_SEQUENCE_LSTM, into which the converter turns a function with `mark`."""
    cell, units = layer.cell, layer.units
    kernel, bias = folded(cell.kernel, cell.bias, flow)
    recurrent = constant_of(cell.recurrent_kernel).astype(np.float32)
    mark = {
        "api_implements": f"lstm_{layer.name}",
        "api_preferred_device": "CPU",
        "go_backwards": False,
        "time_major": False,
    }

    # The converter recognises the operation by exactly this signature.
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
    # Two tensors of zeros: with one, the operation stores both states in the same memory.
    last, sequence, *_ = marked(flow.tensor, tf.zeros((1, units)), tf.zeros((1, units)), *constants)
    return flow.to(sequence if layer.return_sequences else last)


def _limited(z: Any, plan: Plan) -> Any:
    limit = plan.gate_limit
    return z if limit is None else tf.clip_by_value(z, -limit, limit)


def _refuse_unusual(layer: Any) -> None:
    if layer.go_backwards or layer.stateful or layer.return_state:
        raise ConvertError(
            f"layer {layer.name}: a {type(layer).__name__} with go_backwards, stateful or"
            " return_state cannot be converted"
        )
