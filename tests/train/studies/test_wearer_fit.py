"""The parameters of the synthetic wearers, and how real their movement is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device import Recognizer
from device.model import bundle as bundles
from device.model.classifier import Classifier
from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from firmware_bridge.simulator.wearer import NUMBERS, WRIST_NUMBERS, Wearer
from train.datasets import hapt, wrist
from train.datasets.waist import LABELS, TEST_PEOPLE
from train.studies.wearer_fit import fit_arm, fit_wearer
from train.waist.windows import by_our_path


def test_the_committed_parameters_are_those_of_the_fit(data_dir: Path) -> None:
    fitted = fit_wearer(hapt.load(data_dir))
    assert list(fitted["activities"]) == list(LABELS)
    check(fitted, NUMBERS)


@pytest.mark.slow
def test_the_committed_wrist_parameters_are_those_of_the_fit(data_dir: Path) -> None:
    arms = wrist.load("daily-sports", data_dir)
    check(fit_arm(arms.pieces, arms.sha256), WRIST_NUMBERS)


def flat(value: Any, name: str = "") -> dict[str, float]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, part in items for k, v in flat(part, f"{name}.{key}").items()}
    return {name: value}


def check(fitted: dict[str, Any], committed: Path) -> None:
    stored = json.loads(committed.read_text(encoding="utf-8"))
    assert fitted["from"] == stored["from"]
    # The linear algebra of another machine may round the last digit differently.
    assert flat(fitted["activities"]) == pytest.approx(flat(stored["activities"]), abs=2e-4)


@pytest.mark.slow
def test_the_wearer_moves_as_much_as_people(data_dir: Path) -> None:
    people = hapt.load(data_dir)
    real = by_our_path(people, SignalSpec())
    real = real.of(people.people - TEST_PEOPLE)
    for index, label in enumerate(LABELS):
        samples, _ = Wearer(1).samples([(label, 30.0)])
        x = np.stack([window.x for window in windows_of(samples, SignalSpec())])
        mine = x.std(axis=1).mean(axis=0)
        theirs = real.x[real.y == index].std(axis=1)
        low, high = np.percentile(theirs, [1, 99], axis=0)
        assert (mine > low).all(), label
        assert (mine < high).all(), label


def test_the_waist_model_recognises_the_wearer() -> None:
    bundle = bundles.load(bundles.locate("waist"))
    classifier = Classifier(bundle)
    recognised = set()
    for label in bundle.labels:
        samples, _ = Wearer(2).samples([(label, 40.0)])
        x = np.stack([window.x for window in windows_of(samples, bundle.spec)])
        predicted = classifier.probabilities(x).argmax(axis=1)
        if np.mean(predicted == bundle.labels.index(label)) > 0.8:
            recognised.add(label)
    assert len(recognised) >= 4


def test_the_wrist_model_recognises_the_wrist_wearer() -> None:
    script = [("walking", 45.0), ("sitting", 30.0), ("standing", 30.0), ("stairs", 30.0)]
    samples, _ = Wearer(2, WRIST_NUMBERS).samples([*script, ("running", 20.0)])
    decisions = Recognizer("wrist").push(samples)
    begin_s = 0.0
    for activity, seconds in script:
        inside = [
            d for d in decisions if d.start_s and begin_s + 6 < d.start_s < begin_s + seconds - 4
        ]
        assert np.mean([d.activity == activity for d in inside]) > 0.8, activity
        begin_s += seconds
    assert decisions[-1].activity == "running"
