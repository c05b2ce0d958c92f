"""A run folder becomes a bundle that the device takes, by the command that a user types."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert import run_folder
from convert.converter import Converted
from convert.export import (
    MOUNTINGS,
    convert_run,
    made_up_windows,
    make_bundle,
    terms_of,
)
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


pytestmark = pytest.mark.slow  # TensorFlow converts in a process of its own


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `edgehar train` leaves."""
    folder = tmp_path_factory.mktemp("run")
    trained().save(folder / "model.keras")
    config = {"labels": LABELS, "signal": None, "data": {"name": "made up", "sha256": "00"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.json").write_text(json.dumps({"test": {"accuracy": 0.9}}))
    np.savez(folder / "representative.npz", x=windows(400, seed=3)[0])
    x, y = windows(600, seed=2)
    np.savez(folder / "test.npz", x=x, y=y)
    return folder


@pytest.fixture(scope="module")
def made(run: Path) -> Path:
    """The bundle that `edgehar convert` makes of it."""
    out = run / "waist.tflite"
    with pytest.raises(SystemExit) as end:
        main(["convert", str(run), "--name", "waist", "--out", str(out)])
    assert end.value.code == 0
    return out


@pytest.fixture(scope="module")
def converted(run: Path) -> tuple[Converted, Check]:
    return convert_run(run_folder.read(run), "float32")


def edgehar(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


def test_the_manifest_says_what_the_model_is_and_how_it_was_checked(made: Path) -> None:
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


def test_every_runtime_takes_the_bundle_file_as_it_is_by_its_path(made: Path) -> None:
    x, _ = windows(20, seed=4)
    for runtime in installed():
        module = __import__(f"{runtime}.interpreter", fromlist=["Interpreter"])
        interpreter = module.Interpreter(model_path=str(made), num_threads=1)
        interpreter.allocate_tensors()
        assert list(interpreter.get_input_details()[0]["shape"]) == [1, 128, 9]
        assert self_test(load(made), runtime) <= SELF_TEST_TOLERANCE
        assert Classifier(load(made), runtime=runtime).probabilities(x).sum(1) == pytest.approx(
            1, abs=0.02
        )


def test_a_window_alone_is_answered_as_among_others(made: Path) -> None:
    x, _ = windows(100, seed=4)
    bundle = load(made)
    one = Classifier(bundle).probabilities(x)
    assert one.shape == (100, CLASSES)
    assert one.dtype == np.float64
    again = Classifier(bundle)
    for count in (0, 1, 2):
        assert (again.probabilities(x[:count]) == one[:count]).all()


def test_what_lies_beyond_the_input_range_is_clipped_not_wrapped(made: Path) -> None:
    bundle = load(made)
    bound = bundle.manifest["conversion"]["input_range"] * 1.01
    x = windows(5, seed=4)[0] * 100
    classifier = Classifier(bundle)
    assert (classifier.probabilities(x) == classifier.probabilities(x.clip(-bound, bound))).all()


def test_a_self_test_that_gives_another_answer_is_reported(made: Path, tmp_path: Path) -> None:
    bundle = load(made)
    for change in (
        {
            "activity": next(
                label for label in LABELS if label != bundle.manifest["self_test"]["activity"]
            )
        },
        {"probabilities": [1 / 6] * 6},
    ):
        test = {**bundle.manifest["self_test"], **change}
        write(tmp_path / "b.tflite", bundle.flatbuffer, {**bundle.manifest, "self_test": test}, "")
        with pytest.raises(BundleError, match="self-test gives"):
            self_test(load(tmp_path / "b.tflite"))
        assert edgehar("bundle", "check", str(tmp_path / "b.tflite")) == 2


@pytest.mark.parametrize("end", ["input", "output"])
def test_a_scale_that_is_not_the_model_s_is_refused(made: Path, tmp_path: Path, end: str) -> None:
    bundle = load(made)
    manifest: dict[str, Any] = json.loads(json.dumps(bundle.manifest))
    manifest["quantisation"][end]["scale"] *= 2
    write(tmp_path / "b.tflite", bundle.flatbuffer, manifest, "")
    with pytest.raises(BundleError, match="inputs or outputs do not match its manifest"):
        Classifier(load(tmp_path / "b.tflite"))


def test_a_model_that_the_runtime_refuses_is_named(made: Path, tmp_path: Path) -> None:
    bundle = load(made)
    write(tmp_path / "b.tflite", b"\x1c\0\0\0TFL3" + bytes(99), bundle.manifest, "")
    with pytest.raises(BundleError, match="cannot run this model"):
        Classifier(load(tmp_path / "b.tflite"))


def terms(**changes: object) -> dict[str, object]:
    """What a training run may say of its decisions and its mounting, for five labels of six."""
    stays = [[0.95 if i == j else 0.01 for j in range(6)] for i in range(6)]
    smoothing = {"kind": "hmm", "transition": stays, "prior": [1 / 6] * 6, "weight": 0.5}
    decision = {
        "unknown_output": True,
        "temperature": 1.25,
        "softening": 1.5,
        "smoothing": smoothing,
    }
    return {
        "labels": LABELS[:5],
        "decision": {**decision, **changes},
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


def test_the_terms_of_a_run_get_into_its_bundle(
    run: Path, tmp_path: Path, converted: tuple[Converted, Check]
) -> None:
    out = tmp_path / "wrist.tflite"
    read = run_folder.read(with_terms(run, tmp_path))
    made = make_bundle(read, *converted, terms_of(read, "wrist", unknown_threshold=0.55))
    write(out, converted[0].flatbuffer, *made)
    bundle = load(out)
    assert bundle.labels == tuple(LABELS[:5])
    assert bundle.decision == DecisionSpec.from_dict(
        {**terms()["decision"], "unknown_threshold": 0.55}  # type: ignore[dict-item]  # a dict
    )
    assert bundle.orientation == MountingSpec(("sitting", "standing"))
    assert bundle.worn == NonwearSpec(after_s=1200.0)
    assert bundle.manifest["mounting"] == "On either wrist."
    assert len(bundle.manifest["self_test"]["probabilities"]) == 6
    for words in (
        "On either wrist",
        "none of these",
        "temperature 1.25",
        "HMM filter",
        "26 s on",
        "`not_worn` after 1200 s",
    ):
        assert words in bundle.card
    assert "Before that, sitting and standing cannot be told" in bundle.card
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
def test_terms_that_do_not_fit_are_one_line(
    run: Path,
    tmp_path: Path,
    changes: dict[str, object],
    words: str,
    converted: tuple[Converted, Check],
) -> None:
    read = run_folder.read(with_terms(run, tmp_path, **changes))
    with pytest.raises(InputError, match=words):
        make_bundle(read, *converted, terms_of(read, "wrist"))


def test_nobody_says_how_it_is_worn(run: Path) -> None:
    with pytest.raises(InputError, match="--mounting"):
        terms_of(run_folder.read(run), "ankle")


def test_show_and_check(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert edgehar("bundle", "check", str(made)) == 0
    assert "whole; self-test on" in capsys.readouterr().out
    assert edgehar("bundle", "show", str(made)) == 0
    assert capsys.readouterr().out.startswith("# waist")
    assert edgehar("bundle", "show", str(made), "--manifest") == 0
    assert json.loads(capsys.readouterr().out) == load(made).manifest


def test_a_damaged_bundle_ends_in_one_line_and_2(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.tflite").write_bytes(made.read_bytes()[:-100])
    assert edgehar("bundle", "check", str(tmp_path / "b.tflite")) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err.count("\n") == 1
    assert "cut short" in heard.err


@pytest.mark.parametrize(
    "missing", ["model.keras", "config.json", "metrics.json", "test.npz", "representative.npz"]
)
def test_a_run_folder_that_lacks_something_is_named(
    run: Path, tmp_path: Path, missing: str
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / missing).unlink()
    with pytest.raises(InputError, match=missing.replace(".", r"\.")):
        run_folder.read(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{}"),
        ("config.json", b"[]"),
        ("config.json", b'{"labels": [], "data": {"sha256": ""}}'),
        ("test.npz", b"PK not a zip"),
        ("test.npz", b""),
    ],
)
def test_a_garbled_run_folder_is_named(
    run: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(InputError, match="train again"):
        run_folder.read(tmp_path / "run")


def test_the_made_up_windows_are_what_a_sensor_could_give() -> None:
    x = made_up_windows(SignalSpec())
    assert x.shape == (12, 128, 9)
    assert np.linalg.norm(x[0, :, :3], axis=1) == pytest.approx(1)
    assert len({window.tobytes() for window in x}) == 12
