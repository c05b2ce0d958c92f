"""The network of our own: branches for what one path through a network does not see.

At the waist, gravity alone does not tell who sits from who stands: it lies on the sensor as the
belt has it. What does is how little the two move. Swaying on one's feet turns the gyroscope by some
hundredths of a rad/s at 0.4 to 9 Hz, sitting by less; beside the steps of somebody who walks, that
is next to nothing, for weights as for int8's steps. So a branch of its own looks at it with a gain
of 25, and saturates when its wearer moves.
"""

from dataclasses import replace

import keras
from keras import layers

from convert.layers import Channels, Clip
from train.recipes import Extras, Recipe

WINDOW = 128
CHANNELS = 9
MOTION = (3, 6)
"""First and count of the channels that gravity is not in: gyro xyz, body acc xyz."""
GAIN = 25.0
"""Of motion, g and rad/s alike: a still wearer's then has a deviation of some tenths."""

FLAGSHIP = Recipe(
    "flagship",
    "flagship",
    epochs=16,
    learning_rate=0.0025,
    batch=128,
    extras=Extras(clip=1.25, normalise=True, dropout=(0.2, 0.3)),
    label_smoothing=0.1,
    weight_decay=0.004,
    cosine=True,
    hop=16,
    tilt_deg=18.0,
    tilt_share=1.0,
    averaging=0.99,
)
"""Chosen by leaving out each third of the training people in turn; RECIPES.md has what was tried.
The hop is that of the windows from raw recordings."""

ALONE = replace(FLAGSHIP, name="flagship-alone", epochs=40)
"""The same for the publisher's windows alone, of which there are a fifth as many."""


def flagship(classes: int, extras: Extras) -> keras.Model:
    """Posture, small motion and gait, side by side: (n, 128, 9) -> (n, classes) probabilities."""
    signals = flow = keras.Input((WINDOW, CHANNELS), name="signals")
    if extras.clip is not None:
        flow = Clip(extras.clip, name="clip")(flow)
    sway = _sway(flow)
    if extras.normalise:
        flow = layers.Normalization(axis=-1, name="normalise")(flow)
    flow = layers.Concatenate(name="all")([_posture(flow), *sway, *_gait(flow)])
    flow = _drop(flow, extras.dropout[0], "drop_all")
    flow = layers.Dense(64, activation="relu", name="weigh")(flow)
    flow = _drop(flow, extras.dropout[1], "drop_weighed")
    out = layers.Dense(classes, activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name="flagship")


def _posture(flow: keras.KerasTensor) -> keras.KerasTensor:
    """How gravity lies, from the mean of all channels."""
    mean = layers.GlobalAveragePooling1D(name="mean")(flow)
    return layers.Dense(24, activation="relu", name="posture")(mean)


def _sway(flow: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Small motion, in pieces of 0.24 s and then of 0.56 s."""
    flow = layers.Rescaling(GAIN, name="gain")(Channels(*MOTION, name="motion")(flow))
    flow = layers.Conv1D(48, 12, strides=4, activation="relu6", name="sway1")(flow)
    flow = layers.Conv1D(48, 5, activation="relu", name="sway2")(flow)
    return _pooled(flow, "sway")


def _gait(flow: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Motion of any size, in pieces of 0.1 s and then of 0.28 s."""
    flow = layers.Conv1D(48, 5, activation="relu", name="gait1")(flow)
    flow = layers.MaxPooling1D(2, name="pool1")(flow)
    flow = layers.Conv1D(64, 5, activation="relu", name="gait2")(flow)
    flow = layers.MaxPooling1D(2, name="pool2")(flow)
    return _pooled(flow, "gait")


def _pooled(flow: keras.KerasTensor, name: str) -> list[keras.KerasTensor]:
    return [
        layers.GlobalAveragePooling1D(name=f"{name}_mean")(flow),
        layers.GlobalMaxPooling1D(name=f"{name}_most")(flow),
    ]


def _drop(flow: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(rate, name=name)(flow) if rate else flow
