from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convert.emitters import EMITTERS  # isort: split

import keras
import tensorflow as tf
from keras import layers

from convert.activation_ranges import peaks, spans
from convert.errors import ConvertError
from convert.graph import Flow, Plan, rebuild
from convert.layers import Clip
from convert.weights import rounded
from tests.convert.models import branching_network, paper_network, windows


def chain(*inner: Any, steps: int = 128) -> Any:
    return keras.Sequential([keras.Input((steps, 9)), *inner, layers.Dense(5)])


def slices(*inner: Any) -> list[Any]:
    each = [layers.TimeDistributed(layer) for layer in (*inner, layers.Flatten())]
    return [layers.Reshape((4, 32, 9)), *each]


def normalised(*inner: Any, steps: int = 128) -> Any:
    """Return a network that first normalises channels with very different statistics."""
    mean, variance = np.linspace(-2, 3, 9), np.geomspace(1e-3, 4, 9)
    return chain(layers.Normalization(mean=mean, variance=variance), *inner, steps=steps)


def vgg() -> list[Any]:
    def block(filters: int) -> list[Any]:
        conv = [layers.Conv1D(filters, 3, padding="same", activation="relu") for _ in range(2)]
        return [*conv, layers.MaxPooling1D(2)]

    return [*block(16), *block(32), layers.LSTM(24)]


def way_around() -> Any:
    """Return a network with sums, products and differences of two layers, one used three times."""
    signals = keras.Input((128, 9))
    one = layers.Conv1D(8, 3, padding="same")(signals)
    other = layers.BatchNormalization()(layers.Conv1D(8, 5, padding="same")(signals))
    total = layers.Activation("relu")(layers.Add()([one, other]))
    product = layers.Multiply()([one, layers.Activation("sigmoid")(other)])
    largest = layers.Maximum()([total, layers.Subtract()([product, one])])
    long = layers.Concatenate(axis=1)([largest, one])
    return keras.Model(signals, layers.Dense(5)(layers.GlobalAveragePooling1D()(long)))


NETWORKS = {
    "the paper's": lambda: paper_network(normalise=False),
    "with Dense between": lambda: chain(
        *slices(layers.Conv1D(8, 3)), layers.LSTM(16), layers.Dense(50, "relu")
    ),
    "stacked LSTM, hard sigmoid": lambda: chain(
        layers.Reshape((8, 144)),
        layers.LSTM(12, recurrent_activation="hard_sigmoid", return_sequences=True),
        layers.LSTM(12, recurrent_activation="hard_sigmoid"),
    ),
    "LSTM then GRU": lambda: chain(
        *slices(layers.Conv1D(8, 3, activation="relu")),
        layers.LSTM(12, return_sequences=True),
        layers.GRU(10),
    ),
    "GRU, sequences, no bias": lambda: chain(
        layers.MaxPooling1D(16),
        layers.GRU(6, return_sequences=True, use_bias=False),
        layers.Flatten(),
    ),
    "VGG-LSTM": lambda: chain(*vgg()),
    "clipped, then normalised": lambda: chain(
        Clip(0.5),
        layers.Normalization(mean=np.linspace(-2, 3, 9), variance=np.geomspace(1e-3, 4, 9)),
        *slices(layers.Conv1D(8, 3, activation="relu")),
        layers.LSTM(12),
    ),
    "strides and dilation": lambda: chain(
        layers.Conv1D(6, 5, strides=2),
        layers.Conv1D(6, 3, dilation_rate=4),
        layers.Activation("relu"),
        layers.Flatten(),
    ),
    "normalised, convolution": lambda: normalised(*slices(layers.Conv1D(8, 3)), layers.LSTM(16)),
    "normalised, padded convolution": lambda: normalised(
        layers.Conv1D(8, 3, padding="same"), layers.Flatten()
    ),
    "normalised, LSTM": lambda: normalised(layers.LSTM(8), steps=16),
    "normalised, Dense on every step": lambda: normalised(
        layers.Dense(4, activation="tanh"), layers.Flatten()
    ),
    "normalised, pooled before any weights": lambda: normalised(
        layers.MaxPooling1D(2), layers.Flatten()
    ),
    "normalised, channels reshaped away": lambda: normalised(
        layers.Reshape((8, 18)), layers.GRU(5), steps=16
    ),
    "causal, dilated": lambda: normalised(
        layers.Conv1D(8, 3, padding="causal", dilation_rate=4, activation="relu"),
        layers.Conv1D(8, 3, padding="causal", strides=2),
        layers.Flatten(),
    ),
    "batch-normalised before and after its activation": lambda: normalised(
        layers.Conv1D(8, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.BatchNormalization(),
        layers.MaxPooling1D(4),
        layers.Flatten(),
        layers.Dense(10),
        layers.BatchNormalization(),
        layers.Activation("tanh"),
    ),
    "batch-normalised slices": lambda: chain(
        *slices(layers.Conv1D(8, 3)), layers.BatchNormalization(), layers.LSTM(6)
    ),
    "each channel for itself": lambda: normalised(
        layers.DepthwiseConv1D(5, depth_multiplier=2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(max_value=6),
        layers.DepthwiseConv1D(3, strides=2, activation="relu"),
        layers.Flatten(),
    ),
    "with gain": lambda: normalised(
        layers.Rescaling(25.0, offset=0.5),
        layers.Conv1D(8, 3, activation="relu6"),
        layers.Flatten(),
    ),
    "separable": lambda: normalised(
        layers.SeparableConv1D(12, 5, activation="relu"),
        layers.SeparableConv1D(6, 3, strides=2, padding="same"),
        layers.Flatten(),
    ),
    "pooled over all time": lambda: normalised(
        layers.Conv1D(8, 3, activation="relu"),
        layers.AveragePooling1D(4),
        layers.GlobalMaxPooling1D(),
    ),
    "mean of what is normalised": lambda: normalised(
        layers.Cropping1D((3, 5)), layers.GlobalAveragePooling1D()
    ),
    "branches": branching_network,
    "a way around": way_around,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_rebuilt_network_is_the_trained_one(name: str) -> None:
    keras.utils.set_random_seed(3)
    model = NETWORKS[name]()
    random = np.random.default_rng(0)
    for layer in model.layers:  # initial biases are zeros, which would hide a missing bias
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 2, w.shape) for w in layer.get_weights()])
        elif not isinstance(layer, layers.Normalization):
            layer.set_weights([w + random.normal(0, 0.1, w.shape) for w in layer.get_weights()])
    x = windows(20, seed=5)[0][:, : model.input_shape[1]]
    expected = model.predict(x, verbose=0)
    rebuilt = rebuild(model, Plan(), EMITTERS)
    output = np.concatenate([rebuilt(tf.constant(window[None])).numpy() for window in x])
    assert np.abs(output - expected).max() < 1e-5 * max(1.0, np.abs(expected).max())
    assert expected.std(0).max() > 1e-3  # the output depends on the input


def test_a_gate_limit_wide_enough_changes_nothing() -> None:
    keras.utils.set_random_seed(4)
    model = chain(layers.Reshape((4, 288)), layers.LSTM(8, return_sequences=True), layers.GRU(8))
    x, _ = windows(1, seed=7)
    limited = rebuild(model, Plan(gate_limit=50.0), EMITTERS)(tf.constant(x)).numpy()
    assert limited == pytest.approx(model.predict(x, verbose=0), abs=1e-6)


def test_a_filter_with_rare_outputs_does_not_coarsen_the_steps_of_the_others() -> None:
    """The bound of relu6 limits its scale, not its rare peak."""
    layer = layers.Concatenate(name="joined")
    rarely, largest = np.array([1.0, 1e-4]), [np.array([1.2, 0.5])] * 2
    flows = [Flow(tf.fill((1, 2), 6.0), 1, rarely / 6, np.zeros(2), bound=6.0) for _ in largest]
    layer.build([(1, 2), (1, 2)])
    flow = EMITTERS[layers.Concatenate](layer, flows, Plan(spans={"joined": largest}))
    assert flow.tensor.numpy() == pytest.approx(0.999)
    assert flow.tensor.numpy()[0] * flow.scale == pytest.approx([1.0, 1e-4] * 2)


FOR_INT8 = ["the paper's", "VGG-LSTM", "normalised, padded convolution", "branches", "separable"]
FOR_INT8 += ["causal, dilated", "batch-normalised before and after its activation"]
FOR_INT8 += ["pooled over all time"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FOR_INT8)
def test_prepared_for_int8_a_network_differs_only_by_its_rounded_weights(name: str) -> None:
    keras.utils.set_random_seed(3)
    model = NETWORKS[name]()
    x = windows(50, seed=5)[0].clip(-1, 1)  # the range of an int8 input
    expected = model.predict(x, verbose=0)
    plan = Plan(gate_limit=8.0, peaks=peaks(model, x), spans=spans(model, x))
    ready = rebuild(model, plan, EMITTERS)
    output = np.concatenate([ready(tf.constant(window[None])).numpy() for window in x])
    assert np.abs(output - expected).max() < 0.05 * np.abs(expected).max()
    assert np.abs(output - expected).max() > 0


HALVES = np.full((3, 2, 4), 1.5, np.float32)
"""Weights in the middle between two steps, beside one of 3.0 in each filter."""
HALVES[0, 0] = 3.0


@example(kernel=HALVES)
@given(
    kernel=arrays(np.float32, (3, 2, 4), elements=st.floats(-4, 4, width=32, allow_subnormal=False))
)
def test_rounded_kernels_are_int8_and_keep_the_output_for_a_constant(kernel: Any) -> None:
    int8 = rounded(kernel)
    step = np.abs(kernel).max((0, 1)).astype(np.float64) / 127
    assert (np.abs(int8 - kernel) <= 1.01 * step + 1e-9).all()
    assert (np.abs((int8 - kernel).astype(np.float64).sum(0)) <= 0.51 * step + 1e-6).all()
    steps = int8 / np.where(step > 0, step, 1)
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    # The converter derives its step from the largest weight, which must still have 127 steps.
    assert (np.rint(np.abs(steps).max((0, 1))) == np.where(step > 0, 127, 0)).all()


def _used_twice() -> Any:
    signals = keras.Input((128, 9))
    twice = layers.Dense(9)
    return keras.Model(signals, layers.Flatten()(twice(twice(signals))))


def _no_layer() -> Any:
    signals = keras.Input((128, 9))
    return keras.Model(signals, layers.Flatten()(keras.ops.square(signals)))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (lambda: chain(layers.Bidirectional(layers.LSTM(4))), "a Bidirectional cannot be"),
        (lambda: chain(layers.LSTM(4, go_backwards=True)), "LSTM with go_backwards"),
        (lambda: chain(layers.GRU(4, reset_after=False)), "reset_after=True"),
        (lambda: chain(layers.Conv1D(6, 3, groups=3), layers.Flatten()), "in groups"),
        (lambda: chain(layers.DepthwiseConv1D(3, dilation_rate=2)), "dilation, or strides"),
        (lambda: chain(layers.ReLU(negative_slope=0.1)), "only plain ReLU"),
        (lambda: chain(layers.BatchNormalization(axis=1), layers.Flatten()), "by channel"),
        (lambda: chain(layers.Flatten(), layers.Dense(4, activation="selu")), "activation selu"),
        (_used_twice, "used twice|use each layer once"),
        (_no_layer, "every step a layer"),
    ],
)
def test_a_layer_that_cannot_be_converted_is_named(model: Any, says: str) -> None:
    with pytest.raises(ConvertError, match=says):
        rebuild(model(), Plan(), EMITTERS)


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_copies_of_a_channel_share_a_weight_with_finer_steps(copies: int) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 9, 16)).astype(np.float32)
    parts = rounded(kernel, copies).reshape(3, copies, 9, 16)
    step = np.abs(kernel).max(axis=(0, 1)) / (127 * copies)
    # Each part is an int8, and the parts together differ from a channel's sum by half a step.
    assert (np.abs(parts) <= 127.001 * step).all()
    np.testing.assert_allclose(parts / step, np.rint(parts / step), atol=1e-3)
    error = np.abs((parts.sum(1) - kernel).sum(0))
    assert (error <= 0.501 * step).all()
