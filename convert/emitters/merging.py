"""Emitters for layers with several inputs."""

from functools import reduce
from typing import Any, Final

import numpy as np
import tensorflow as tf
from keras import layers

from convert.errors import ConvertError
from convert.graph import Array64, Emitter, Flow, Plan, settle


def concatenate(layer: Any, flows: list[Flow], plan: Plan) -> Flow:
    """Concatenate; along channels, the scaling stays pending."""
    axis = layer.axis % len(flows[0].shape)
    if axis < len(flows[0].shape) - 1:
        return flows[0].to(tf.concat([settle(flow).tensor for flow in flows], axis))
    if plan.spans is not None:
        sizes = plan.spans[layer.name]
        flows = [_scaled_to_one(flow, size) for flow, size in zip(flows, sizes, strict=True)]
    if all(flow.scale is None for flow in flows):
        return flows[0].to(tf.concat([flow.tensor for flow in flows], -1))
    scale, offset = (np.concatenate(both) for both in zip(*map(_pending, flows), strict=True))
    return Flow(tf.concat([flow.tensor for flow in flows], -1), flows[0].lead, scale, offset)


def _scaled_to_one(flow: Flow, size: Array64) -> Flow:
    """Scale a flow to about ±1, with the inverse pending: all inputs share one int8 step.

    The output of a multiplication has an int8 scale that does not depend on the input's. Without
    it, the converter gives the shared step also to the tensors before, even to the model's input.
    """
    if flow.offset is not None and flow.offset.any():
        flow = settle(flow)
    scale, offset = _pending(flow)
    largest = min(float((size / np.abs(scale)).max()), flow.bound)
    factor = 0.999 / max(largest, 1e-6)  # never 1: the converter removes a multiplication by 1
    return Flow(flow.tensor * np.float32(factor), flow.lead, scale / factor, offset)


def _pending(flow: Flow) -> tuple[Array64, Array64]:
    if flow.scale is None or flow.offset is None:
        return np.ones(flow.shape[-1]), np.zeros(flow.shape[-1])
    return flow.scale, flow.offset


def _each(function: Any) -> Emitter:
    def joiner(layer: Any, flows: list[Flow], _: Plan) -> Flow:
        if len({flow.shape for flow in flows}) > 1:
            raise ConvertError(f"layer {layer.name}: its inputs must have one shape")
        return flows[0].to(reduce(function, [settle(flow).tensor for flow in flows]))

    return joiner


EMITTERS: Final[dict[type, Emitter]] = {
    layers.Add: _each(tf.add),
    layers.Concatenate: concatenate,
    layers.Maximum: _each(tf.maximum),
    layers.Multiply: _each(tf.multiply),
    layers.Subtract: _each(tf.subtract),
}
