"""The wrist's network: three convolutions over the whole window, then an LSTM."""

import keras
from keras import layers

from convert.layers import Clip
from train.wrist.days import CLASSES


def network(clip: float, dropout: tuple[float, float]) -> keras.Model:
    """Give an untrained CNN-LSTM: (n, 128, 9) -> (n, CLASSES) probabilities.

    Unlike the paper's it does not cut the window into four before it looks: a stride is longer
    than a quarter of a window. A layer named `normalise` is to be adapted before training.
    """
    signals = flow = keras.Input((128, 9), name="signals")
    flow = Clip(clip, name="clip")(flow)
    flow = layers.Normalization(axis=-1, name="normalise")(flow)
    for number, taps in enumerate((7, 5, 3), 1):
        flow = layers.Conv1D(64, taps, activation="relu", name=f"conv{number}")(flow)
        flow = layers.MaxPooling1D(2, name=f"pool{number}")(flow)
    flow = layers.Dropout(dropout[0], name="drop_features")(flow)
    flow = layers.LSTM(96, name="lstm")(flow)
    flow = layers.Dropout(dropout[1], name="drop_state")(flow)
    out = layers.Dense(len(CLASSES), activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name="wrist")
