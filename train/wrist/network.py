"""The wrist's network: convolutions and an LSTM for movement, and beside them pools for rest.

What ships is two of it, taught apart and joined to one.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from convert.layers import Clip, LongLSTM
from train.flagship import pooled, sway
from train.wrist.days import CLASSES

GAIN = 10.0
"""Of small motion, g and rad/s (of the typical wearer's) alike."""
NORMALISE = "normalise"
ACTIVITY = "activity"


def network(clip: float, dropout: tuple[float, float], paths: int = 1) -> keras.Model:
    """Give an untrained CNN-LSTM: (n, 128, 9) -> (n, CLASSES) probabilities.

    With several paths side by side, which have nothing in common but clipping and normalisation. A
    layer named `normalise` is to be adapted before training.
    """
    signals = keras.Input((128, 9), name="signals")
    clipped = Clip(clip, name="clip")(signals)
    normal = layers.Normalization(axis=-1, name=NORMALISE)(clipped)
    flows = [_path(clipped, normal, dropout, _suffix(number)) for number in range(paths)]
    flow = layers.Concatenate(name="all")([part for flow in flows for part in flow])
    out = layers.Dense(len(CLASSES), activation="softmax", name=ACTIVITY)(flow)
    return keras.Model(signals, out, name="wrist")


def joined(models: Sequence[keras.Model], clip: float, dropout: tuple[float, float]) -> keras.Model:
    """Give one network whose logarithms are the mean of those of several, but for a constant.

    So its probabilities are their geometric mean. All must be normalised alike.
    """
    whole = network(clip, dropout, len(models))
    normal = whole.get_layer(NORMALISE)
    normal.set_weights(models[0].get_layer(NORMALISE).get_weights())
    normal.finalize_state()  # else it stays with the mean and variance it was built with
    for number, model in enumerate(models):
        for layer in model.layers:
            if layer.name not in {NORMALISE, ACTIVITY} and layer.weights:
                whole.get_layer(layer.name + _suffix(number)).set_weights(layer.get_weights())
    kernels, biases = zip(*(m.get_layer(ACTIVITY).get_weights() for m in models), strict=True)
    mean = [np.concatenate(kernels) / len(models), np.mean(biases, axis=0)]
    whole.get_layer(ACTIVITY).set_weights(mean)
    return whole


def _suffix(number: int) -> str:
    return f"_path{number + 1}" if number else ""


def _path(
    clipped: keras.KerasTensor,
    normal: keras.KerasTensor,
    dropout: tuple[float, float],
    suffix: str,
) -> list[keras.KerasTensor]:
    """Give what the last layer weighs: movement, rest and posture.

    Unlike the paper's it does not cut the window into four before it looks: a stride is longer
    than a quarter of a window. The LSTM then takes six steps, of 0.32 s. What it forgets of rest,
    how gravity lies and how little the arm moves, goes beside it.
    """
    mean = layers.GlobalAveragePooling1D(name=f"mean{suffix}")(normal)
    posture = layers.Dense(32, activation="relu", name=f"posture1{suffix}")(mean)
    posture = layers.Dense(32, activation="relu", name=f"posture2{suffix}")(posture)
    still = [mean, *sway(clipped, GAIN, 32, suffix)]
    flow = normal
    for number, (taps, pool) in enumerate(((7, 2), (5, 2), (3, 4)), 1):
        flow = layers.Conv1D(48, taps, activation="relu", name=f"conv{number}{suffix}")(flow)
        if number != 2:
            still += pooled(flow, f"conv{number}{suffix}")
        flow = layers.MaxPooling1D(pool, name=f"pool{number}{suffix}")(flow)
    flow = layers.Dropout(dropout[0], name=f"drop_features{suffix}")(flow)
    flow = LongLSTM(64, name=f"lstm{suffix}")(flow)
    flow = layers.Dropout(dropout[1], name=f"drop_state{suffix}")(flow)
    beside = layers.Concatenate(name=f"still{suffix}")(still)
    beside = layers.Dropout(dropout[0], name=f"drop_still{suffix}")(beside)
    beside = layers.Dense(64, activation="relu", name=f"weigh{suffix}")(beside)
    beside = layers.Dropout(dropout[0], name=f"drop_weighed{suffix}")(beside)
    return [flow, beside, posture]
