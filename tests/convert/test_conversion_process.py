"""Every form of a converted model against Keras, and the faults of conversion."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from convert import tflite_conversion  # isort: split

import keras

from convert.conversion_process import Converted, convert, run_child
from convert.errors import ConvertError
from convert.layers import Clip
from convert.representative import candidate_ranges, clipped, held_out
from convert.runtime_process import installed
from convert.verify import MOST_BYTES, verify
from device.model.runtime import Model
from tests.convert.models import (
    INPUT_RANGE,
    VARIANTS,
    conversions,
    paper_network,
    trained,
    verify_on_every_runtime,
    windows,
)

pytestmark = pytest.mark.slow  # TensorFlow converts in a child process
EACH = pytest.mark.parametrize("variant", VARIANTS, ids=" ".join)


def converted(variant: tuple[str, str]) -> Converted:
    return conversions()[0][VARIANTS.index(variant)]


@EACH
def test_every_form_passes_its_check_on_every_runtime(variant: tuple[str, str]) -> None:
    check = verify_on_every_runtime(converted(variant), conversions()[1], *windows(1000, seed=2))
    assert json.loads(json.dumps(check.to_dict()))["windows"] == 1000


def test_float32_equals_the_trained_network_up_to_rounding() -> None:
    x, _ = windows(1000, seed=2)
    for lstm in ("unrolled", "fused"):
        for runtime in installed():
            probabilities = Model(converted(("float32", lstm)).flatbuffer, runtime).run(x)
            assert np.abs(probabilities - conversions()[1]).max() < 1e-5


@EACH
def test_the_result_for_a_window_is_independent_of_earlier_ones(variant: tuple[str, str]) -> None:
    x, _ = windows(50, seed=8)
    for runtime in installed():
        model = Model(converted(variant).flatbuffer, runtime)
        assert (model.run(x) == model.run(x[::-1])[::-1]).all()


def test_int8_has_int8_input_and_output_and_is_small() -> None:
    int8 = converted(("int8", "unrolled"))
    assert len(int8.flatbuffer) <= MOST_BYTES["int8"]
    for runtime in installed():
        model = Model(int8.flatbuffer, runtime)
        assert model.input.dtype == model.output.dtype == "int8"
        assert 255 * model.input.scale == pytest.approx(2 * INPUT_RANGE, rel=1e-3)


def test_int8_agrees_between_runtimes() -> None:
    x, _ = windows(1000, seed=2)
    flatbuffer = converted(("int8", "unrolled")).flatbuffer
    first, *others = [Model(flatbuffer, name).run(x) for name in installed()]
    for other in others:
        assert (first.argmax(1) == other.argmax(1)).mean() >= 0.99
        assert np.abs(first - other).max() <= 0.05


def test_only_a_fused_lstm_is_one_operation() -> None:
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in converted(("int8", "unrolled")).operations
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in converted(("float32", "fused")).operations


def test_candidate_ranges_hold_most_values() -> None:
    x, _ = windows(400, seed=3)
    candidates = candidate_ranges(x)
    assert candidates == sorted(candidates)
    for limit in candidates:
        assert (np.abs(x) <= limit + 0.01).mean((0, 1)).min() >= 0.98
    assert candidates[-1] <= np.abs(x).max() + 0.01


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1600, 5000])
def test_the_range_is_chosen_on_windows_that_set_no_scale(count: int) -> None:
    x = np.arange(count, dtype=np.float32)[:, None, None] * np.ones((1, 4, 9), np.float32)
    scales, others = clipped(x, 1e6), held_out(x)
    assert (scales.min(), scales.max()) == (-1e6, 1e6)
    assert 0 < len(scales) <= 500
    assert 0 < len(others) <= 1000
    if count > 500:
        assert not set(scales[:, 0, 0].tolist()) & set(others[:, 0, 0].tolist())


def test_a_model_that_differs_from_keras_is_refused_with_its_figures() -> None:
    x, y = windows(1000, seed=2)
    wrong = np.roll(conversions()[1], 1, axis=1)
    with pytest.raises(ConvertError, match=r"int8 on \w+ gives 0\.\d\d% of 1000 windows .* 98\.5%"):
        verify(converted(("int8", "unrolled")), wrong, x, y)


def test_a_model_that_the_runtimes_refuse_is_refused() -> None:
    x, y = windows(5, seed=2)
    broken = Converted("float32", "unrolled", b"\x1c\0\0\0TFL3" + bytes(64), {}, None)
    with pytest.raises(ConvertError, match="cannot run this model"):
        verify(broken, np.eye(6)[y], x, y)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import os; os.abort()", r"crashed \(SIGABRT\).*try another form"),
        ("import ctypes; ctypes.string_at(0)", r"crashed \(SIGSEGV\)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "out of memory"),
        ("import sys; print('chatter'); sys.exit('the last line')", "failed: the last line"),
        ("import sys; sys.exit(3)", "no output"),
    ],
)
def test_a_child_that_dies_is_explained_in_one_line(tmp_path: Path, script: str, says: str) -> None:
    with pytest.raises(ConvertError, match=says) as caught:
        run_child(["-c", script], tmp_path, "converting to int8")
    assert str(caught.value).startswith("converting to int8: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_the_child_s_output_is_not_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_child(["-c", "import os; os.write(1, b'out'); os.write(2, b'err')"], tmp_path, "testing")
    assert capfd.readouterr() == ("", "")


def test_a_package_convert_in_the_current_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "convert").mkdir()
    (tmp_path / "convert" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    run_child(["-c", "import convert.errors"], tmp_path, "testing")


def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"not a model")
    (tmp_path / "job.json").write_text(json.dumps({"model": str(path), "variants": []}))
    with pytest.raises(ConvertError, match="Keras cannot load"):
        tflite_conversion.main(tmp_path)


def test_the_same_model_converts_to_the_same_bytes() -> None:
    x, _ = windows(100, seed=3)
    one, other = (convert(trained(), x, input_range=INPUT_RANGE)[0][0] for _ in range(2))
    assert one.flatbuffer == other.flatbuffer


def test_tensorflow_s_own_conversion_of_a_gru_crashes_and_is_caught(tmp_path: Path) -> None:
    """The reason for rebuilding models: without this crash, convert.graph is not needed."""
    script = (
        "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "import keras, numpy as np, tensorflow as tf\n"
        "model = keras.Sequential([keras.Input((4, 9), batch_size=1), keras.layers.GRU(8)])\n"
        "converter = tf.lite.TFLiteConverter.from_keras_model(model)\n"
        "converter.optimizations = [tf.lite.Optimize.DEFAULT]\n"
        "data = np.ones((1, 4, 9), np.float32)\n"
        "converter.representative_dataset = lambda: iter([[data]] * 3)\n"
        "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]\n"
        "converter.convert()\n"
    )
    with pytest.raises(ConvertError, match=r"crashed \(SIGSEGV\)"):
        run_child(["-c", script], tmp_path, "converting to int8")


def test_all_runtimes_for_this_python_are_installed() -> None:
    expected = {"ai_edge_litert"} | ({"tflite_runtime"} if sys.version_info < (3, 12) else set())
    assert set(installed()) == expected


def test_a_model_that_clips_sets_the_range_of_its_int8_input() -> None:
    x, _ = windows(60, seed=6)
    clipping = keras.Sequential([keras.Input((128, 9)), Clip(0.7), *paper_network(False).layers])
    bound, _ = convert(clipping, x, [("int8", "unrolled")], input_range=3.0)
    assert bound[0].input_range == 0.7
    free, reference = convert(clipping, x, [("float32", "unrolled")], test=x)
    beyond = np.where(np.abs(x) > 0.7, 5 * x, x)
    np.testing.assert_allclose(Model(free[0].flatbuffer).run(beyond), reference, atol=1e-5)
