"""The wrist network: convolutions and an LSTM for movement, pooled features for rest."""

import keras
from keras import layers

from convert.layers import Clip, LongLSTM
from train.networks.flagship import pooled, sway
from train.wrist.wear_days import CLASSES

GAIN = 10.0
"""Gain of small motion, for g and rad/s scaled to the typical wearer."""


def network(clip: float, dropout: tuple[float, float]) -> keras.Model:
    """Return an untrained CNN-LSTM: (n, 128, 9) -> (n, CLASSES) probabilities.

    Unlike the paper's network it does not cut the window into four slices, because a stride is
    longer than a quarter of a window. The LSTM has six steps of 0.32 s. The LSTM forgets the
    direction of gravity and small motion, so they have separate branches. Adapt the layer
    `normalise` before training.
    """
    signals = keras.Input((128, 9), name="signals")
    clipped = Clip(clip, name="clip")(signals)
    flow = normal = layers.Normalization(axis=-1, name="normalise")(clipped)
    mean = layers.GlobalAveragePooling1D(name="mean")(normal)
    posture = layers.Dense(32, activation="relu", name="posture1")(mean)
    posture = layers.Dense(32, activation="relu", name="posture2")(posture)
    still = [mean, *sway(clipped, GAIN, 32)]
    for number, (taps, pool) in enumerate(((7, 2), (5, 2), (3, 4)), 1):
        flow = layers.Conv1D(48, taps, activation="relu", name=f"conv{number}")(flow)
        if number != 2:
            still += pooled(flow, f"conv{number}")
        flow = layers.MaxPooling1D(pool, name=f"pool{number}")(flow)
    flow = layers.Dropout(dropout[0], name="drop_features")(flow)
    flow = LongLSTM(64, name="lstm")(flow)
    flow = layers.Dropout(dropout[1], name="drop_state")(flow)
    beside = layers.Dropout(dropout[0], name="drop_still")(layers.Concatenate(name="still")(still))
    beside = layers.Dense(64, activation="relu", name="weigh")(beside)
    beside = layers.Dropout(dropout[0], name="drop_weighed")(beside)
    flow = layers.Concatenate(name="all")([flow, beside, posture])
    out = layers.Dense(len(CLASSES), activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name="wrist")
