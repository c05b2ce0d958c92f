"""The networks for waist data, by name."""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from train.networks.flagship import flagship
from train.networks.papers import cnn_lstm, cnn_lstm_dense, cnn_lstm_gru, lstm, lstm_dense, vgg_lstm
from train.networks.recipes import Extras

MODELS: dict[str, Callable[[int, Extras], keras.Model]] = {
    make.__name__: make
    for make in (cnn_lstm, cnn_lstm_dense, lstm, lstm_dense, cnn_lstm_gru, vgg_lstm, flagship)
}


def adapt(model: keras.Model, x: NDArray[np.float32]) -> None:
    """Adapt a model's normalisation layers to training windows (n, window, 9)."""
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.adapt(x)
