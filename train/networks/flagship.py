"""The network of our own: branches for what one path through a network does not see.

At the waist, gravity alone does not tell who sits from who stands: it lies on the sensor as the
belt has it. What does is how little the two move. While standing, 19 of the 21 training people sway
more: the gyroscope reads 0.032 rad/s rms (median of their windows), sitting 0.022, most of it below
10 Hz. Walking it reads 0.75, and beside that the difference is next to nothing, for weights as for
int8's steps. So a branch of its own looks at small motion with a gain of 25, and saturates when its
wearer moves.
"""

import keras
from keras import layers

from convert.layers import Channels, Clip
from train.networks.recipes import Extras

WINDOW = 128
CHANNELS = 9
MOTION = (3, 6)
"""First and count of the channels that gravity is not in: gyro xyz, body acc xyz."""
GAIN = 25.0
"""Of motion, g and rad/s alike: a still wearer's then has a deviation of some tenths."""


def flagship(classes: int, extras: Extras) -> keras.Model:
    """Posture, small motion and gait, side by side: (n, 128, 9) -> (n, classes) probabilities."""
    signals = flow = keras.Input((WINDOW, CHANNELS), name="signals")
    if extras.clip is not None:
        flow = Clip(extras.clip, name="clip")(flow)
    small = sway(flow, GAIN, 48)
    if extras.normalise:
        flow = layers.Normalization(axis=-1, name="normalise")(flow)
    flow = layers.Concatenate(name="all")([_posture(flow), *small, *_gait(flow)])
    flow = _drop(flow, extras.dropout[0], "drop_all")
    flow = layers.Dense(64, activation="relu", name="weigh")(flow)
    flow = _drop(flow, extras.dropout[1], "drop_weighed")
    out = layers.Dense(classes, activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name="flagship")


def _posture(flow: keras.KerasTensor) -> keras.KerasTensor:
    """How gravity lies, from the mean of all channels."""
    mean = layers.GlobalAveragePooling1D(name="mean")(flow)
    return layers.Dense(24, activation="relu", name="posture")(mean)


def sway(flow: keras.KerasTensor, gain: float, filters: int) -> list[keras.KerasTensor]:
    """Give what small motion, magnified, is like: in pieces of 0.24 s and then of 0.56 s."""
    flow = layers.Rescaling(gain, name="gain")(Channels(*MOTION, name="motion")(flow))
    flow = layers.Conv1D(filters, 12, strides=4, activation="relu6", name="sway1")(flow)
    flow = layers.Conv1D(filters, 5, activation="relu", name="sway2")(flow)
    return pooled(flow, "sway")


def _gait(flow: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Motion of any size, in pieces of 0.1 s and then of 0.28 s."""
    flow = layers.Conv1D(48, 5, activation="relu", name="gait1")(flow)
    flow = layers.MaxPooling1D(2, name="pool1")(flow)
    flow = layers.Conv1D(64, 5, activation="relu", name="gait2")(flow)
    flow = layers.MaxPooling1D(2, name="pool2")(flow)
    return pooled(flow, "gait")


def pooled(flow: keras.KerasTensor, name: str) -> list[keras.KerasTensor]:
    """Give the mean and the most of each feature over the window."""
    return [
        layers.GlobalAveragePooling1D(name=f"{name}_mean")(flow),
        layers.GlobalMaxPooling1D(name=f"{name}_most")(flow),
    ]


def _drop(flow: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(rate, name=name)(flow) if rate else flow
