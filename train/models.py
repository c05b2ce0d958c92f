"""The networks, as functions that give an untrained Keras model."""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from convert.layers import Clip
from train.recipes import Extras

WINDOW = 128
CHANNELS = 9


def cnn_lstm(classes: int, extras: Extras) -> keras.Model:
    """CNN_LSTM of Mutegeki and Han (ICAIIC 2020): (n, 128, 9) -> (n, classes) probabilities.

    Where the paper contradicts itself, Keras's defaults hold, as its results do: tanh in the LSTM.
    """
    signals, flow = _input(extras)
    flow = layers.Reshape((4, 32, CHANNELS), name="slices")(flow)
    flow = layers.TimeDistributed(layers.Conv1D(64, 3, activation="relu"), name="conv")(flow)
    flow = layers.TimeDistributed(layers.MaxPooling1D(2), name="pool")(flow)
    flow = layers.TimeDistributed(layers.Flatten(), name="flatten")(flow)
    flow = _drop(flow, extras.dropout[0], "drop_features")
    flow = layers.LSTM(128, name="lstm")(flow)
    flow = _drop(flow, extras.dropout[1], "drop_state")
    out = layers.Dense(classes, activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name="cnn_lstm")


MODELS: dict[str, Callable[[int, Extras], keras.Model]] = {"cnn_lstm": cnn_lstm}


def adapt(model: keras.Model, x: NDArray[np.float32]) -> None:
    """Give a model's normalisation layer, where it has one, the training windows' statistics."""
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.adapt(x)


def _input(extras: Extras) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    signals = flow = keras.Input((WINDOW, CHANNELS), name="signals")
    if extras.clip is not None:
        flow = Clip(extras.clip, name="clip")(flow)
    if extras.normalise:
        flow = layers.Normalization(axis=-1, name="normalise")(flow)
    return signals, flow


def _drop(flow: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(rate, name=name)(flow) if rate else flow
