"""Networks trained for seconds on synthetic windows, and their conversions."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Before Keras: it must load tflite_runtime ahead of TensorFlow.
from convert.conversion_process import Converted, convert  # isort: split

import keras
from keras import layers

from convert.layers import Channels, Clip
from convert.runtime_process import installed
from convert.verify import Check, verify

CLASSES = 6
INPUT_RANGE = 2.0
VARIANTS = (
    ("float32", "unrolled"),
    ("float16", "unrolled"),
    ("dynamic", "unrolled"),
    ("int8", "unrolled"),
    ("float32", "fused"),
)


def windows(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return windows with gravity in any direction and a swing; the class is the upward axis."""
    rng = np.random.default_rng(seed)
    gravity = rng.normal(size=(count, 3))
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    y = np.abs(gravity).argmax(1) + 3 * (gravity[np.arange(count), np.abs(gravity).argmax(1)] < 0)
    turns = rng.uniform(0.5, 3, (count, 1)) * np.arange(128) / 50 + rng.uniform(size=(count, 1))
    phase = 2 * np.pi * turns
    body = rng.uniform(0, 0.5, (count, 1, 3)) * np.sin(phase)[:, :, None]
    body += rng.normal(0, 0.02, (count, 128, 3))
    gyro = rng.uniform(0, 2, (count, 1, 3)) * np.cos(phase)[:, :, None]
    return np.concatenate([gravity[:, None] + body, gyro, body], axis=2).astype(np.float32), y


def paper_network(normalise: bool = True) -> Any:
    """Return the paper's CNN_LSTM, untrained, with or without a layer that normalises channels."""
    first = [layers.Normalization()] if normalise else []
    return keras.Sequential(
        [
            keras.Input((128, 9)),
            *first,
            layers.Reshape((4, 32, 9)),
            layers.TimeDistributed(layers.Conv1D(64, 3, activation="relu")),
            layers.TimeDistributed(layers.MaxPooling1D(2)),
            layers.TimeDistributed(layers.Flatten()),
            layers.Dropout(0.3),
            layers.LSTM(128),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def branching_network() -> Any:
    """Return a network with branches and every kind of layer, untrained."""
    signals = keras.Input((128, 9))
    clipped = Clip(2.0)(signals)
    normal = layers.Normalization()(clipped)
    gravity = layers.GlobalAveragePooling1D()(Channels(0, 3)(normal))
    still = layers.GlobalMaxPooling1D()(Clip(0.3)(Channels(6, 3)(clipped)))
    seen = layers.Conv1D(16, 5, use_bias=False)(normal)
    seen = layers.ReLU()(layers.BatchNormalization()(seen))
    seen = layers.MaxPooling1D(2)(seen)
    seen = layers.SeparableConv1D(16, 3, padding="same", activation="relu")(seen)
    around = layers.DepthwiseConv1D(3, padding="same")(seen)
    seen = layers.Activation("relu")(layers.Add()([seen, around]))
    seen = layers.AveragePooling1D(4)(seen)
    late = layers.Conv1D(16, 3, padding="causal", dilation_rate=2, activation="relu")(seen)
    gated = layers.Multiply()([late, layers.Conv1D(16, 1, activation="sigmoid")(seen)])
    joined = layers.Concatenate()(
        [
            layers.Dense(16, activation="relu")(gravity),
            still,
            layers.GlobalMaxPooling1D()(gated),
            layers.GlobalAveragePooling1D()(gated),
            layers.LSTM(16)(layers.Cropping1D((0, 7))(gated)),
        ]
    )
    return keras.Model(signals, layers.Dense(CLASSES, activation="softmax")(joined))


@cache
def trained(network: Callable[[], Any] = paper_network, epochs: int = 3, rate: float = 1e-3) -> Any:
    """Return a network trained until its accuracy is well above chance."""
    keras.utils.set_random_seed(1)
    x, y = windows(1500, seed=1)
    model = network()
    next(layer for layer in model.layers if isinstance(layer, layers.Normalization)).adapt(x)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=epochs, batch_size=64, verbose=0)
    return model


@cache
def conversions() -> tuple[list[Converted], NDArray[np.float64]]:
    """Return all VARIANTS of `trained`, and Keras's probabilities of `windows(1000, seed=2)`."""
    representative, _ = windows(400, seed=3)
    return convert(trained(), representative, VARIANTS, INPUT_RANGE, windows(1000, seed=2)[0])


def verify_on_every_runtime(
    converted: Converted, reference: NDArray[np.float64], x: NDArray[np.float32], y: Any
) -> Check:
    """Verify a conversion; raises ConvertError if it is not good enough."""
    check = verify(converted, reference, x, y)
    assert check.keras_accuracy > 0.8  # with a bad model, agreement has no meaning
    assert set(check.runtimes) == set(installed())
    return check
