"""The report of the papers: resumable fits, and tables."""

import dataclasses
import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.train.fitting.test_fit import toy
from train.fitting import experiment, stored_results
from train.networks.recipes import PAPER
from train.report import fits
from train.report.fits import Job
from train.report.papers_networks import SEEDS, SUBJECTS
from train.report.papers_tables import EPOCHS_HEAD, Outcome, epochs_row, percent, tables
from train.waist import data as waist_data

RECIPE = dataclasses.replace(PAPER, epochs=2, validation_people=0)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put made-up windows in place of UCI HAR; return an empty working folder."""
    data = waist_data.Data("uci", toy(96), toy(48, person=2, seed=1), "f" * 64, None)
    monkeypatch.setitem(waist_data.DATA, "uci", lambda *_: data)
    monkeypatch.chdir(tmp_path)
    stored_results.FOLDER.mkdir(parents=True)
    return tmp_path


@pytest.mark.slow
def test_peeking_records_scores_and_does_not_change_the_fit(toys: Path) -> None:
    peeked = fits.run(Job("peek", RECIPE, 1, peek=True), toys)
    plain = experiment.run(waist_data.DATA["uci"](toys, RECIPE.hop), RECIPE, 1)
    assert peeked["float"] == json.loads(json.dumps(plain.scores["test"].to_dict()))
    assert len(peeked["history"]["peek_accuracy"]) == RECIPE.epochs
    assert peeked["history"]["peek_accuracy"][-1] == peeked["float"]["accuracy"]
    assert peeked["history"]["peek_loss"][-1] == pytest.approx(peeked["float"]["loss"], rel=1e-6)


@pytest.mark.slow
def test_a_stored_fit_is_used_again_unless_damaged_or_changed(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Mock(wraps=experiment.run)
    monkeypatch.setattr(experiment, "run", counted)
    job = Job("twice", RECIPE, 0, peek=True)
    first = fits.run(job, toys)
    assert fits.run(job, toys) == json.loads(json.dumps(first))
    assert counted.call_count == 1
    job.path.write_text(job.path.read_text()[:-50])  # incomplete, as after a power cut
    assert fits.run(job, toys)["float"] == first["float"]
    assert counted.call_count == 2
    fits.run(dataclasses.replace(job, recipe=dataclasses.replace(RECIPE, batch=32)), toys)
    assert counted.call_count == 3


def test_seeds_are_at_least_five_and_no_two_jobs_share_a_file() -> None:
    assert len(SEEDS) >= 5
    jobs = [job for one in SUBJECTS for job in (*one.jobs(), *one.jobs_as_given())]
    assert len({job.path for job in jobs}) == len(jobs)
    for one in SUBJECTS:
        assert [job.seed for job in one.jobs()] == list(SEEDS)
        # Fits that peek at the test people give no figures of ours.
        assert not any(job.peek for job in one.jobs())
        assert all(job.peek for job in one.jobs_as_given())


def test_a_mean_has_its_deviation_over_the_seeds() -> None:
    assert percent([0.90, 0.92, 0.94]) == "92.00% ± 2.00"
    assert percent([0.9]) == "90.00%"
    assert epochs_row("last", [0.9, 0.93, 0.9213], 0.9213)[2:] == [
        "90.00% to 93.00%", "2 of 3 (92.13%)",
    ]  # fmt: skip


def test_tables_are_rectangular_and_have_published_figures() -> None:
    def scores(accuracy: float) -> dict[str, float]:
        names = ("accuracy", "macro_precision", "macro_recall", "macro_f1")
        return {**dict.fromkeys(names, accuracy), "loss": 0.25}

    cost = {
        "parameters": 5,
        "multiplications": 10,
        "bytes": {"int8": 1000},
        "training_epoch_s": 2.0,
        "us_a_window": {"float32": {"a": 1.0, "b": 2.0}, "int8": {"a": 3.0, "b": 4.0}},
    }
    fits = [
        {
            "key": {"recipe": {"epochs": 40}},
            "float": scores(accuracy),
            "int8": scores(accuracy),
            "seconds": 80.0,
            "cost": cost,
        }
        for accuracy in (0.93, 0.94)
    ]
    peeked = [{"history": {"peek_accuracy": [0.9, 0.93, 0.91]}}]
    other = [{"float": scores(0.88), "seconds": 1.0, "us_a_window": 5.0}]
    by_name = tables([Outcome(SUBJECTS[0], fits, peeked)], {"SVM": other})
    assert set(by_name) == {"papers", "papers-scores", "papers-cost", "papers-epochs"}
    for head, rows in by_name.values():
        assert {len(row) for row in rows} == {len(head)}
    network, other_row = by_name["papers"][1]
    assert network[:3] == ["CNN_LSTM", "92.13% (A)", "93.50% ± 0.71"]
    assert other_row[:3] == ["SVM", "80.00% (B)", "88.00%"]
    last, best = by_name["papers-epochs"][1]
    assert (last[1], best[1]) == ("91.00%", "93.00%")
    assert len(EPOCHS_HEAD) == len(best)
