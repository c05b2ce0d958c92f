"""The shipped wrist model: its run folder, and the figures in its model card."""

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert import run_folder
from convert.export import convert_run, make_bundle, terms_of
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.model.bundle import load, write
from firmware_bridge.errors import InputError
from tests.train.datasets.archives import zipped
from train.datasets import wrist
from train.wrist import final_fit, report_figures
from train.wrist.fit import WristRecipe
from train.wrist.hmm_filters import smoothing
from train.wrist.spec import ORIENTATION
from train.wrist.wear_days import CLASSES
from train.wrist.windows import UNLABELLED, WristWindows

RECIPE = WristRecipe(epochs=1, windows=128)
DECISION = DecisionSpec(
    0.45, unknown_output=True, temperature=1.2, smoothing=smoothing(60, 0.3, 0.3, 0.2)
)
SHA256 = "ab" * 32
RESULTS = json.loads((Path(__file__).parents[3] / "results" / "wrist.json").read_text())


def windows(count: int = 900) -> WristWindows:
    """Return windows of two people of each data set; one data set has standing; some are lying."""
    random = np.random.default_rng(0)
    names = np.array(wrist.DATASETS)[np.arange(count) % 5]
    y = random.integers(0, len(CLASSES), count)
    y[(y == 4) & (names != "daily-sports")] = UNLABELLED
    x = random.normal(scale=0.3, size=(count, 128, 9)).astype(np.float32)
    x[:, :, :3] += np.eye(3, dtype=np.float32)[y % 3][:, None]
    person = np.array([f"{name}-{k // 5 % 2}" for k, name in enumerate(names)])
    start_s = np.arange(count) * 1.28
    return WristWindows(x, y, y < 0, y >= 0, start_s, person, person, names, np.full(count, ""))


def results(**changes: object) -> dict[str, Any]:
    """Return the committed results with another decision, recipe and hash."""
    recipe = json.loads(json.dumps(asdict(RECIPE)))
    return {**RESULTS, "decision": DECISION.to_dict(), "recipe": recipe, "data": SHA256, **changes}


def reported(folder: Path, **changes: object) -> report_figures.Report:
    path = folder / "wrist.json"
    path.write_text(json.dumps(results(**changes)))
    return report_figures.read_report(path)


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with empty archives; put made-up windows in place of their content."""
    folder = tmp_path / "data"
    folder.mkdir()
    for source in wrist.SOURCES.values():
        (folder / source.files[0]).write_bytes(zipped({source.root: source.title}))
    monkeypatch.setattr(final_fit, "load", lambda _: ([], windows(), SHA256))
    return folder


@pytest.mark.slow
def test_the_run_folder_becomes_a_bundle_with_its_card(archives: Path, tmp_path: Path) -> None:
    report = reported(tmp_path)
    with run_folder.new(tmp_path / "run", logging.getLogger("train")) as part:
        final_fit.fill(part, archives, RECIPE, 0, report)
    read = run_folder.read(tmp_path / "run")
    assert set(read.y.tolist()) == set(range(len(CLASSES)))
    assert read.metrics == {"left_out": report.left_out}
    converted, check = convert_run(read, "float32")
    manifest, card = make_bundle(read, converted, check, terms_of(read, "wrist"))
    write(tmp_path / "wrist.tflite", converted.flatbuffer, manifest, card)
    bundle = load(tmp_path / "wrist.tflite")
    assert bundle.decision == DECISION
    assert bundle.orientation == ORIENTATION
    assert bundle.worn == NonwearSpec()
    assert bundle.labels == CLASSES[:-1]
    # Manifest and card stay small beside the model.
    assert (tmp_path / "wrist.tflite").stat().st_size - len(converted.flatbuffer) <= 25_000
    data = bundle.manifest["training"]["config"]["data"]
    sets = data["sets"]
    assert list(sets) == list(wrist.DATASETS)
    assert len({one["sha256"] for one in sets.values()}) == 5
    assert all(one["people"] == 2 for one in sets.values())
    assert data["people_by_activity"]["standing"] == {"daily-sports": 2}
    assert "Standing was recorded from 2 people of one data set only" in bundle.card
    assert bundle.card.index("### On a new sensor") < bundle.card.index("### On new people")


@pytest.mark.slow
def test_the_card_has_figures_only_for_the_tested_recipe(archives: Path, tmp_path: Path) -> None:
    report = reported(tmp_path)
    (tmp_path / "run").mkdir()
    final_fit.fill(tmp_path / "run", archives, replace(RECIPE, windows=64), 0, report)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == {"left_out": None}


def test_a_report_of_other_data_is_refused(archives: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="edgehar report wrist"):
        final_fit.fill(tmp_path, archives, RECIPE, 0, reported(tmp_path, data="cd" * 32))


def test_windows_are_drawn_once_each_with_the_shares_of_training() -> None:
    those = windows(20_000)
    rows = final_fit.drawn(those, RECIPE, 1000, seed=3)
    assert len(rows) == len(set(rows.tolist())) == 1000
    shares = np.bincount(those.y[rows], minlength=len(CLASSES)) / 1000
    assert (those.y[rows] >= 0).all()
    np.testing.assert_allclose(shares, RECIPE.shares, atol=0.05)
    few = windows(70)
    assert len(final_fit.drawn(few, RECIPE, 1000, seed=3)) == (few.y >= 0).sum()


def test_figures_in_the_card_are_rounded_and_not_nan(tmp_path: Path) -> None:
    report = reported(tmp_path, smoothing={"delay_s": {"mean": float("nan"), "median": 1 / 3}})
    assert report.left_out["smoothing"]["delay_s"] == {"mean": None, "median": 0.333}
    assert "confusion" not in json.dumps(report.left_out)
    assert report.left_out["datasets"]["weda"]["windows"] == RESULTS["datasets"]["weda"]["windows"]


@pytest.mark.parametrize(
    "content", [None, b"{", b"[]", b"{}", json.dumps(results(decision={"lag": 1})).encode()]
)
def test_an_incomplete_report_names_its_command(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "wrist.json").write_bytes(content)
    with pytest.raises(InputError, match="run `edgehar report wrist` first"):
        report_figures.read_report(tmp_path / "wrist.json")
