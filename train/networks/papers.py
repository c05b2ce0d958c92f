"""The networks of both papers: functions that return an untrained Keras model.

Each model maps (n, 128, 9) windows to (n, classes) probabilities. If a paper does not state a
setting or contradicts itself, Keras's default applies. So the LSTM has tanh and sigmoid, the only
functions that TFLite's LSTM operation supports, although the first paper's text has a hard sigmoid.
"""

import keras
from keras import layers

from convert.layers import Clip, LongLSTM
from train.networks.flagship import CHANNELS, WINDOW, drop
from train.networks.recipes import Extras

UNITS = 128
DENSE_UNITS = 50


def cnn_lstm(classes: int, extras: Extras) -> keras.Model:
    """CNN_LSTM of Mutegeki and Han (ICAIIC 2020): four slices through one convolution."""
    signals, flow = _features(extras)
    flow = drop(layers.LSTM(UNITS, name="lstm")(flow), extras.dropout[1], "drop_state")
    return _named("cnn_lstm", signals, flow, classes)


def cnn_lstm_dense(classes: int, extras: Extras) -> keras.Model:
    """CNN_LSTM_Dense of the same paper, which does not state the dense activation; ours is ReLU."""
    signals, flow = _features(extras)
    flow = drop(layers.LSTM(UNITS, name="lstm")(flow), extras.dropout[1], "drop_state")
    flow = layers.Dense(DENSE_UNITS, activation="relu", name="dense")(flow)
    return _named("cnn_lstm_dense", signals, flow, classes)


def lstm(classes: int, extras: Extras) -> keras.Model:
    """LSTM of the same paper: two layers over all 128 samples."""
    signals, flow = _two_lstms(extras)
    return _named("lstm", signals, flow, classes)


def lstm_dense(classes: int, extras: Extras) -> keras.Model:
    """LSTM_Dense of the same paper."""
    signals, flow = _two_lstms(extras)
    flow = layers.Dense(DENSE_UNITS, activation="relu", name="dense")(flow)
    return _named("lstm_dense", signals, flow, classes)


def cnn_lstm_gru(classes: int, extras: Extras) -> keras.Model:
    """CNN-LSTM-GRU of Pandey, Karn and Jha, who do not state the GRU's size; ours is the LSTM's."""
    signals, flow = _features(extras)
    flow = layers.LSTM(UNITS, return_sequences=True, name="lstm")(flow)
    flow = drop(layers.GRU(UNITS, name="gru")(flow), extras.dropout[1], "drop_state")
    return _named("cnn_lstm_gru", signals, flow, classes)


def vgg_lstm(classes: int, extras: Extras) -> keras.Model:
    """VGG-LSTM; the same paper gives its name only.

    Ours has three VGG blocks, each of two convolutions of width 3 and a pooling by 2, then an LSTM
    over the remaining 16 steps.
    """
    signals, flow = _input(extras)
    for block, filters in enumerate((32, 64, 128), 1):
        for number in (1, 2):
            convolve = layers.Conv1D(
                filters, 3, padding="same", activation="relu", name=f"conv{block}_{number}"
            )
            flow = convolve(flow)
        flow = layers.MaxPooling1D(2, name=f"pool{block}")(flow)
    flow = drop(flow, extras.dropout[0], "drop_features")
    flow = drop(layers.LSTM(UNITS, name="lstm")(flow), extras.dropout[1], "drop_state")
    return _named("vgg_lstm", signals, flow, classes)


def _features(extras: Extras) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return features (n, 4, 960) of four slices of 32 samples: the first paper's convolution."""
    signals, flow = _input(extras)
    flow = layers.Reshape((4, 32, CHANNELS), name="slices")(flow)
    flow = layers.TimeDistributed(layers.Conv1D(64, 3, activation="relu"), name="conv")(flow)
    flow = layers.TimeDistributed(layers.MaxPooling1D(2), name="pool")(flow)
    flow = layers.TimeDistributed(layers.Flatten(), name="flatten")(flow)
    return signals, drop(flow, extras.dropout[0], "drop_features")


def _two_lstms(extras: Extras) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    signals, flow = _input(extras)
    flow = LongLSTM(UNITS, return_sequences=True, name="lstm1")(flow)
    flow = LongLSTM(UNITS, name="lstm2")(drop(flow, extras.dropout[0], "drop_features"))
    return signals, drop(flow, extras.dropout[1], "drop_state")


def _named(
    name: str, signals: keras.KerasTensor, flow: keras.KerasTensor, classes: int
) -> keras.Model:
    out = layers.Dense(classes, activation="softmax", name="activity")(flow)
    return keras.Model(signals, out, name=name)


def _input(extras: Extras) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    signals = flow = keras.Input((WINDOW, CHANNELS), name="signals")
    if extras.clip is not None:
        flow = Clip(extras.clip, name="clip")(flow)
    if extras.normalise:
        flow = layers.Normalization(axis=-1, name="normalise")(flow)
    return signals, flow
