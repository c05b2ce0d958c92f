"""`edgehar convert`: a run folder becomes a bundle that the device can use."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert import run_folder
from convert.conversion_process import Converted
from convert.export import MOUNTINGS, convert_run, make_bundle, synthetic_windows, terms_of
from convert.representative import candidate_ranges
from convert.runtime_process import installed
from convert.verify import Check
from device.cli import main
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.model.bundle import BundleError, load, write
from device.model.classifier import SELF_TEST_TOLERANCE, Classifier, self_test
from device.mounting.spec import MountingSpec
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError
from tests.convert.models import CLASSES, trained, windows

LABELS = ["walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "lying"]


pytestmark = pytest.mark.slow  # TensorFlow converts in a child process


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as `edgehar train` writes it."""
    folder = tmp_path_factory.mktemp("run")
    config = {"labels": LABELS, "signal": None, "data": {"name": "synthetic", "sha256": "00"}}
    x, y = windows(600, seed=2)
    run_folder.fill(
        folder, model=trained(), config=config, metrics={"test": {"accuracy": 0.9}},
        representative=windows(400, seed=3)[0], x=x, y=y,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def made(run: Path) -> Path:
    """The bundle of `edgehar convert`."""
    out = run / "waist.tflite"
    assert edgehar("convert", str(run), "--name", "waist", "--out", str(out)) == 0
    return out


@pytest.fixture(scope="module")
def converted(run: Path) -> tuple[Converted, Check]:
    return convert_run(run_folder.read(run), "float32")


def edgehar(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


def test_the_manifest_holds_the_run_s_terms_and_the_check(made: Path) -> None:
    bundle = load(made)
    assert bundle.labels == tuple(LABELS)
    assert bundle.spec == SignalSpec()
    assert bundle.decision == DecisionSpec(0.4)
    assert bundle.orientation is None
    assert bundle.worn == NonwearSpec()
    assert bundle.manifest["mounting"] == MOUNTINGS["waist"]
    assert bundle.manifest["results"] == {"test": {"accuracy": 0.9}}
    check = bundle.manifest["conversion"]
    assert set(check["runtimes"]) == set(installed())
    assert check["windows"] == 600
    assert check["input_range"] in candidate_ranges(windows(400, seed=3)[0])
    assert made.stat().st_size <= 620_000
    assert f"{check['keras_accuracy']:.2%}" in bundle.card
    assert "not a medical device" in bundle.card


def test_every_runtime_can_use_the_bundle_file(made: Path) -> None:
    x, _ = windows(20, seed=4)
    for runtime in installed():
        module = __import__(f"{runtime}.interpreter", fromlist=["Interpreter"])
        interpreter = module.Interpreter(model_path=str(made), num_threads=1)
        interpreter.allocate_tensors()
        assert list(interpreter.get_input_details()[0]["shape"]) == [1, 128, 9]
        assert self_test(load(made), runtime) <= SELF_TEST_TOLERANCE
        classifier = Classifier(load(made), runtime=runtime)
        probabilities = classifier.probabilities(x)
        assert probabilities.shape == (20, CLASSES)
        assert probabilities.dtype == np.float64
        assert probabilities.sum(1) == pytest.approx(1, abs=0.02)
        for count in (0, 1, 2):
            assert (classifier.probabilities(x[:count]) == probabilities[:count]).all()


def changed(made: Path, **fields: object) -> Path:
    """Write the bundle with other fields in its manifest."""
    bundle, path = load(made), made.with_name("changed.tflite")
    write(path, bundle.flatbuffer, {**bundle.manifest, **fields}, "")
    return path


def test_a_failed_self_test_is_reported(made: Path) -> None:
    test = load(made).manifest["self_test"]
    other = next(label for label in LABELS if label != test["activity"])
    for change in ({"activity": other}, {"probabilities": [1 / 6] * 6}):
        path = changed(made, self_test={**test, **change})
        with pytest.raises(BundleError, match="self-test gives"):
            self_test(load(path))
        assert edgehar("bundle", "check", str(path)) == 2


@pytest.mark.parametrize("end", ["input", "output"])
def test_another_scale_than_the_model_s_is_refused(made: Path, end: str) -> None:
    quantisation: dict[str, Any] = load(made).manifest["quantisation"]
    scale = 2 * quantisation[end]["scale"]
    path = changed(made, quantisation={**quantisation, end: {**quantisation[end], "scale": scale}})
    with pytest.raises(BundleError, match="inputs or outputs do not match its manifest"):
        Classifier(load(path))


def test_a_model_that_the_runtime_refuses_is_named(made: Path, tmp_path: Path) -> None:
    bundle = load(made)
    write(tmp_path / "b.tflite", b"\x1c\0\0\0TFL3" + bytes(99), bundle.manifest, "")
    with pytest.raises(BundleError, match="cannot run this model"):
        Classifier(load(tmp_path / "b.tflite"))


def terms(**changes: object) -> dict[str, Any]:
    """Return a run's terms for five labels and an output for other activities."""
    stays = [[0.95 if i == j else 0.01 for j in range(6)] for i in range(6)]
    smoothing = {"kind": "hmm", "transition": stays, "prior": [1 / 6] * 6, "weight": 0.5}
    decision = {"unknown_output": True, "temperature": 1.25, "softening": 1.5}
    return {
        "labels": LABELS[:5],
        "decision": {**decision, "smoothing": smoothing, **changes},
        "orientation": MountingSpec(("sitting", "standing")).to_dict(),
        "worn": NonwearSpec(after_s=1200.0).to_dict(),
        "mounting": "On either wrist.",
    }


def with_terms(run: Path, folder: Path, **changes: object) -> Path:
    copy = folder / "run"
    shutil.copytree(run, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, **terms(**changes)}))
    return copy


def test_a_bundle_has_the_terms_of_its_run(
    run: Path, tmp_path: Path, converted: tuple[Converted, Check]
) -> None:
    out = tmp_path / "wrist.tflite"
    content = run_folder.read(with_terms(run, tmp_path))
    made = make_bundle(content, *converted, terms_of(content, "wrist", unknown_threshold=0.55))
    write(out, converted[0].flatbuffer, *made)
    bundle = load(out)
    assert bundle.labels == tuple(LABELS[:5])
    decision = {**terms()["decision"], "unknown_threshold": 0.55}
    assert bundle.decision == DecisionSpec.from_dict(decision)
    assert bundle.orientation == MountingSpec(("sitting", "standing"))
    assert bundle.worn == NonwearSpec(after_s=1200.0)
    assert bundle.manifest["mounting"] == "On either wrist."
    assert len(bundle.manifest["self_test"]["probabilities"]) == 6
    for words in ("On either wrist", "none of these", "temperature 1.25", "HMM filter", "26 s on"):
        assert words in bundle.card
    assert "after 1200 s it is `not_worn`" in bundle.card
    assert "Before that, sitting and standing cannot be distinguished" in bundle.card
    assert edgehar("bundle", "check", str(out)) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unknown_output": False}, "6 outputs, not the 5"),
        ({"smoothing": {"kind": "median"}}, "smoothing"),
        ({"temperature": -1}, "temperature"),
        ({"lag": 2}, "lag"),
    ],
)
def test_invalid_terms_are_refused(
    run: Path, tmp_path: Path, changes: Any, words: str, converted: tuple[Converted, Check]
) -> None:
    content = run_folder.read(with_terms(run, tmp_path, **changes))
    with pytest.raises(InputError, match=words):
        make_bundle(content, *converted, terms_of(content, "wrist"))


def test_a_missing_mounting_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match="--mounting"):
        terms_of(run_folder.read(run), "ankle")


def test_show_and_check(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert edgehar("bundle", "check", str(made)) == 0
    assert "undamaged; self-test on" in capsys.readouterr().out
    assert edgehar("bundle", "show", str(made)) == 0
    assert capsys.readouterr().out.startswith("# waist")
    assert edgehar("bundle", "show", str(made), "--manifest") == 0
    assert json.loads(capsys.readouterr().out) == load(made).manifest

    damaged = made.with_name("damaged.tflite")
    damaged.write_bytes(made.read_bytes()[:-100])
    assert edgehar("bundle", "check", str(damaged)) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "cut short" in output.err


FILES = ("model.keras", "config.json", "metrics.json", "test.npz", "representative.npz")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        *((name, None, name.replace(".", r"\.")) for name in FILES),
        ("config.json", b"{}", "train again"),
        ("config.json", b"[]", "train again"),
        ("config.json", b'{"labels": [], "data": {"sha256": ""}}', "train again"),
        ("test.npz", b"PK not a zip", "train again"),
        ("test.npz", b"", "train again"),
    ],
)
def test_a_missing_or_damaged_file_of_a_run_folder_is_refused(
    run: Path, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    if content is not None:
        (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        run_folder.read(tmp_path / "run")


def test_the_synthetic_windows_are_possible_and_distinct() -> None:
    x = synthetic_windows(SignalSpec())
    assert x.shape == (12, 128, 9)
    assert np.linalg.norm(x[0, :, :3], axis=1) == pytest.approx(1)
    assert len({window.tobytes() for window in x}) == 12
