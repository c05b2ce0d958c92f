"""The papers' networks: sizes, cost, int8 conversion, and the LSTM that trains faster."""

from dataclasses import replace

from convert.conversion_process import convert  # isort: split

import keras
import numpy as np
import pytest
import tensorflow as tf

from convert import runtime_process
from convert.layers import LongLSTM
from tests.train.fitting.test_fit import toy
from train.fitting.fit import fit, probabilities
from train.networks.models import MODELS
from train.networks.recipes import CAREFUL, NOTHING
from train.report.cost import multiplications
from train.report.papers_networks import SUBJECTS, Subject


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cnn_lstm", 560_134),  # the paper's own figure
        ("cnn_lstm_dense", 560_134 - 129 * 6 + 129 * 50 + 51 * 6),
        ("lstm", 4 * 128 * (9 + 128 + 1) + 4 * 128 * (128 + 128 + 1) + 129 * 6),
        ("lstm_dense", 4 * 128 * (9 + 128 + 1) + 4 * 128 * (128 + 128 + 1) + 129 * 50 + 51 * 6),
        ("cnn_lstm_gru", 560_134 + 3 * 128 * (128 + 128 + 2)),
    ],
)
def test_a_network_has_the_size_in_its_paper(name: str, parameters: int) -> None:
    model = MODELS[name](6, NOTHING)
    assert model.count_params() == parameters
    assert model.input_shape == (None, 128, 9)
    assert model.output_shape == (None, 6)


def test_cnn_lstm_has_the_layers_and_functions_of_its_paper() -> None:
    model = MODELS["cnn_lstm"](6, NOTHING)
    layers = [model.get_layer(name) for name in ("conv", "lstm", "activity")]
    assert [len(layer.weights) for layer in layers] == [2, 3, 2]
    assert layers[1].activation.__name__ == "tanh"
    assert layers[1].recurrent_activation.__name__ == "sigmoid"


@pytest.mark.parametrize("name", MODELS)
def test_extras_add_no_trainable_weight(name: str) -> None:
    plain, careful = (MODELS[name](6, extras) for extras in (NOTHING, CAREFUL.extras))
    shapes = [[weight.shape for weight in model.trainable_weights] for model in (plain, careful)]
    assert shapes[0] == shapes[1]
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in careful.layers) == 2


@pytest.mark.parametrize("sequences", [True, False])
def test_the_long_lstm_is_an_lstm_in_value_and_gradient(sequences: bool) -> None:
    x = np.random.default_rng(0).normal(size=(5, 40, 9)).astype(np.float32)
    one = keras.layers.LSTM(16, return_sequences=sequences)
    other = LongLSTM(16, return_sequences=sequences)
    results = []
    for layer in (one, other):
        layer.build(x.shape)
        layer.set_weights(one.get_weights())
        with tf.GradientTape() as tape:
            out = layer(x)
            loss = tf.reduce_sum(out**2)
        results.append([np.asarray(out), *tape.gradient(loss, layer.trainable_variables)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(a).max())


def test_multiplications_of_known_networks() -> None:
    convolution = 4 * 30 * 64 * 3 * 9  # four slices, thirty positions each
    recurrent = 4 * 4 * 128 * (15 * 64 + 128)  # four steps, four gates
    assert multiplications(MODELS["cnn_lstm"](6, NOTHING)) == convolution + recurrent + 128 * 6
    two = 128 * 4 * 128 * ((9 + 128) + (128 + 128))
    assert multiplications(MODELS["lstm"](6, NOTHING)) == two + 128 * 6


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.title)
def test_int8_agrees_with_keras_on_every_runtime(subject: Subject) -> None:
    recipe = replace(subject.recipe, epochs=4, batch=16, tilt_deg=0.0)
    model = fit(recipe, 0, toy(192)).model
    unseen = toy(60, person=3, seed=1)
    truth = probabilities(model, unseen.x)
    (converted,), _ = convert(model, toy(30, seed=2).x, [("int8", subject.lstm)])
    for runtime in runtime_process.installed():
        outputs, ends = runtime_process.classify(converted.flatbuffer, unseen.x, runtime)
        assert ends["input"]["dtype"] == ends["output"]["dtype"] == "int8"
        assert np.abs(outputs - truth).mean() < 0.03
