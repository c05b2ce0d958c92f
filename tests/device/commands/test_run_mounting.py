"""The daemon with a bundle that has an HMM filter and estimates the mounting."""

import json
from pathlib import Path
from typing import Any

import pytest

from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.model import bundle as bundles
from device.mounting.spec import MountingSpec
from tests.device.commands import edgehar, lines, settings_file
from tests.device.running import daemon, ran_over, stop, stored, without

STAYS = tuple(tuple(0.95 if i == j else 0.01 for j in range(6)) for i in range(6))
# Walking at the waist would not meet the limits for a wrist.
EASY = MountingSpec(
    ("sitting", "standing", "lying"), enough_windows=10.0, outlier_deg=180.0,
    steady_gravity=0.0, rhythm=0.0, bounce=0.0, effort_g=(0.05, 0.5),
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network in a bundle with all optional steps."""
    shipped = bundles.load(bundles.locate("waist"))
    decision = DecisionSpec(0.3, False, 1.2, HmmSpec(STAYS, (1 / 6,) * 6, 0.5))
    terms = {"decision": decision.to_dict(), "orientation": EASY.to_dict()}
    path = tmp_path_factory.mktemp("model") / "finding.tflite"
    bundles.write(path, shipped.flatbuffer, {**shipped.manifest, **terms}, shipped.card)
    return path


def test_live_decisions_equal_classify(recording: Path, model: Path, tmp_path: Path) -> None:
    running = ran_over(recording, tmp_path, "--model", str(model))
    offline = lines(edgehar("classify", tmp_path / "sent.csv", "--model", model).stdout)
    assert without(running.decisions, "time") == without(offline, "time")
    assert stored(running.database) == running.decisions
    assert {d["reason"] for d in offline if d["state"] == "unknown"} >= {"mounting"}
    assert all((d["reason"] is None) == (d["state"] == "ok") for d in offline)
    assert running.log.count("mounting known,") == 1
    assert running.report["mounting"]["known"]
    assert 0.5 < running.report["mounting"]["confidence"] <= 1


def test_the_mounting_survives_a_restart(recording: Path, model: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    options = ("--model", str(model), "--state", str(state))
    assert "mounting known from before" not in ran_over(recording, tmp_path, *options).log
    kept = json.loads(state.read_text())
    assert kept["mounting"]["known"]
    with daemon(tmp_path, *options) as running:
        stop(running)
    assert "mounting known from before" in running.log
    assert json.loads(state.read_text())["mounting"] == kept["mounting"]


@pytest.mark.slow
def test_the_state_folder_comes_from_systemd_or_the_settings(
    recording: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}:/elsewhere")
    ran_over(recording, tmp_path, "--model", str(model))
    assert (tmp_path / "orientation.json").exists()
    (tmp_path / "sent.csv").unlink()
    settings = settings_file(tmp_path, f'[state]\nfile = "{tmp_path}/mine.json"\n')
    ran_over(recording, tmp_path, "--model", str(model), "--config", str(settings))
    assert (tmp_path / "mine.json").exists()


def test_a_damaged_state_is_one_warning(model: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text("{")
    with daemon(tmp_path, "--model", str(model), "--state", str(state)) as running:
        stop(running)
    assert running.log.count("not read") == 1
    assert f"WARNING mounting not read from {state}: the file is damaged" in running.log
    assert state.read_text() == "{"


def test_a_recording_neither_reads_nor_writes_state(
    recording: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    source = ("--source", f"recording:{recording}")
    done = edgehar("run", *source, "--model", model, "--state", tmp_path / "s.json")
    assert done.stdout == edgehar("classify", recording, "--model", model).stdout
    assert not list(tmp_path.iterdir())


def test_a_mounting_in_the_settings_is_not_estimated(
    recording: Path, model: Path, tmp_path: Path
) -> None:
    rotation = "[[1, 0, 0], [0, 1, 0], [0, 0, 1]]"
    settings = settings_file(tmp_path, f"[mounting]\nrotation = {rotation}\n")
    report = tmp_path / "report.json"
    done = edgehar(
        "run", "--config", settings, "--source", f"recording:{recording}", "--model", model,
        "--report", report,
    )  # fmt: skip
    assert "mounting" not in {d["reason"] for d in lines(done.stdout)}
    found: dict[str, Any] = json.loads(report.read_text())
    assert found["mounting"] is None
