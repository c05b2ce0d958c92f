"""A network that was trained for seconds on made-up windows, and its conversions."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Before Keras: it must load tflite_runtime ahead of TensorFlow.
from convert.converter import Converted, convert  # isort: split

import keras
from keras import layers

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
    """Gravity in any direction, a swing of any strength; the class is which way is up."""
    rng = np.random.default_rng(seed)
    gravity = rng.normal(size=(count, 3))
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    y = np.abs(gravity).argmax(1) + 3 * (gravity[np.arange(count), np.abs(gravity).argmax(1)] < 0)
    phase = (
        2
        * np.pi
        * (rng.uniform(0.5, 3, (count, 1)) * np.arange(128) / 50 + rng.uniform(size=(count, 1)))
    )
    body = rng.uniform(0, 0.5, (count, 1, 3)) * np.sin(phase)[:, :, None]
    body += rng.normal(0, 0.02, (count, 128, 3))
    gyro = rng.uniform(0, 2, (count, 1, 3)) * np.cos(phase)[:, :, None]
    return np.concatenate([gravity[:, None] + body, gyro, body], axis=2).astype(np.float32), y


def paper_network(normalise: bool = True) -> Any:
    """CNN_LSTM of the paper, untrained, perhaps with a layer that normalises the channels."""
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


@cache
def trained() -> Any:
    """The paper's network, good enough that its classes are not a coin toss."""
    keras.utils.set_random_seed(1)
    x, y = windows(1500, seed=1)
    model = paper_network()
    model.layers[0].adapt(x)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=3, batch_size=64, verbose=0)
    return model


@cache
def conversions() -> tuple[list[Converted], NDArray[np.float64]]:
    """All VARIANTS of `trained`, and what Keras says of `windows(1000, seed=2)`."""
    representative, _ = windows(400, seed=3)
    return convert(trained(), representative, VARIANTS, INPUT_RANGE, windows(1000, seed=2)[0])
