"""A network with every kind of branch, trained for seconds, as int8 on every runtime."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from convert.converter import convert  # isort: split

import keras
from keras import layers

from convert.layers import Channels, Clip
from convert.runtime_process import installed
from convert.verify import LEAST_AGREEMENT, verify
from device.model.runtime import Model
from tests.convert.models import CLASSES, windows


def network() -> Any:
    signals = keras.Input((128, 9))
    clipped = Clip(2.0)(signals)
    normal = layers.Normalization()(clipped)
    gravity = layers.GlobalAveragePooling1D()(Channels(0, 3)(normal))
    still = layers.GlobalMaxPooling1D()(Clip(0.3)(Channels(6, 3)(clipped)))
    seen = layers.Conv1D(16, 5, use_bias=False)(normal)
    seen = layers.ReLU()(layers.BatchNormalization()(seen))
    seen = layers.MaxPooling1D(2)(seen)
    seen = layers.SeparableConv1D(16, 3, padding="same", activation="relu")(seen)
    around = layers.DepthwiseConv1D(3, padding="same")(seen)
    seen = layers.Activation("relu")(layers.Add()([seen, around]))
    seen = layers.AveragePooling1D(4)(seen)
    late = layers.Conv1D(16, 3, padding="causal", dilation_rate=2, activation="relu")(seen)
    gated = layers.Multiply()([late, layers.Conv1D(16, 1, activation="sigmoid")(seen)])
    joined = layers.Concatenate()(
        [
            layers.Dense(16, activation="relu")(gravity),
            still,
            layers.GlobalMaxPooling1D()(gated),
            layers.GlobalAveragePooling1D()(gated),
            layers.LSTM(16)(layers.Cropping1D((0, 7))(gated)),
        ]
    )
    return keras.Model(signals, layers.Dense(CLASSES, activation="softmax")(joined))


@cache
def trained() -> Any:
    keras.utils.set_random_seed(1)
    x, y = windows(1500, seed=1)
    model = network()
    next(layer for layer in model.layers if isinstance(layer, layers.Normalization)).adapt(x)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=5, batch_size=64, verbose=0)
    return model


@pytest.mark.parametrize("lstm", ["unrolled", "fused"])
@pytest.mark.slow
def test_a_network_with_branches_is_as_good_in_int8_on_every_runtime(lstm: str) -> None:
    x, y = windows(1000, seed=2)
    representative, _ = windows(400, seed=3)
    converted, reference = convert(trained(), representative, [("int8", lstm)], test=x)
    check = verify(converted[0], reference, x, y)
    assert check.keras_accuracy > 0.8  # or agreement would say little
    assert set(check.runtimes) == set(installed())
    for found in check.runtimes.values():
        assert found.agreement >= LEAST_AGREEMENT["int8"]
    assert check.input_range == 2.0


@pytest.mark.slow
def test_batch_normalisation_leaves_no_operation_of_its_own() -> None:
    x, _ = windows(400, seed=3)
    converted, reference = convert(trained(), x, [("float32", "fused")], test=x)
    for runtime in installed():
        found = Model(converted[0].flatbuffer, runtime).run(x)
        np.testing.assert_allclose(found, reference, atol=1e-4)
    assert "RSQRT" not in converted[0].operations
    assert "BATCH_MATMUL" not in converted[0].operations
