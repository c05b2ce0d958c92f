"""Our own network for waist data: three branches, for posture, small motion and gait.

At the waist, gravity does not separate sitting from standing, because its direction depends on the
position of the belt. Small motion separates them: 19 of the 21 training people sway more while
standing. Their gyroscope reads 0.032 rad/s rms in standing (median of the windows), 0.022 in
sitting, mostly below 10 Hz, and 0.75 in walking. Beside walking, that difference is lost in the
weights and in the steps of int8. So a separate branch amplifies motion by 25; it saturates while
the wearer moves.
"""

import keras
from keras import layers

from convert.layers import Channels, Clip
from train.networks.recipes import Extras

WINDOW = 128
CHANNELS = 9
MOTION = (3, 6)
"""First index and number of the channels without gravity: gyro xyz, body acc xyz."""
GAIN = 25.0
"""Gain of motion, for g and rad/s: a still wearer's motion then has a deviation of some tenths."""


def flagship(classes: int, extras: Extras) -> keras.Model:
    """Return the untrained network: (n, 128, 9) -> (n, classes) probabilities."""
    signals = flow = keras.Input((WINDOW, CHANNELS), name="signals")
    if extras.clip is not None:
        flow = Clip(extras.clip, name="clip")(flow)
    small = sway(flow, GAIN, 48)
    if extras.normalise:
        flow = layers.Normalization(axis=-1, name="normalise")(flow)
    flow = layers.Concatenate(name="all")([_posture(flow), *small, *_gait(flow)])
    flow = drop(flow, extras.dropout[0], "drop_all")
    flow = layers.Dense(64, activation="relu", name="weigh")(flow)
    flow = drop(flow, extras.dropout[1], "drop_weighed")
    out = layers.Dense(classes, activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name="flagship")


def _posture(flow: keras.KerasTensor) -> keras.KerasTensor:
    """Return features of the direction of gravity, from the mean of each channel."""
    mean = layers.GlobalAveragePooling1D(name="mean")(flow)
    return layers.Dense(24, activation="relu", name="posture")(mean)


def sway(flow: keras.KerasTensor, gain: float, filters: int) -> list[keras.KerasTensor]:
    """Return features of amplified small motion: convolutions over 0.24 s, then 0.56 s."""
    flow = layers.Rescaling(gain, name="gain")(Channels(*MOTION, name="motion")(flow))
    flow = layers.Conv1D(filters, 12, strides=4, activation="relu6", name="sway1")(flow)
    flow = layers.Conv1D(filters, 5, activation="relu", name="sway2")(flow)
    return pooled(flow, "sway")


def _gait(flow: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Return features of motion of any size: convolutions over 0.1 s, then 0.28 s."""
    flow = layers.Conv1D(48, 5, activation="relu", name="gait1")(flow)
    flow = layers.MaxPooling1D(2, name="pool1")(flow)
    flow = layers.Conv1D(64, 5, activation="relu", name="gait2")(flow)
    flow = layers.MaxPooling1D(2, name="pool2")(flow)
    return pooled(flow, "gait")


def pooled(flow: keras.KerasTensor, name: str) -> list[keras.KerasTensor]:
    """Return the mean and the maximum of each feature over the window."""
    return [
        layers.GlobalAveragePooling1D(name=f"{name}_mean")(flow),
        layers.GlobalMaxPooling1D(name=f"{name}_most")(flow),
    ]


def drop(flow: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    """Add a dropout layer, unless the rate is 0."""
    return layers.Dropout(rate, name=name)(flow) if rate else flow
