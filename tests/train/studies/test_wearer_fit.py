"""The synthetic wearer's numbers come from training people, by the command in the repository."""

import json
from pathlib import Path

import numpy as np
import pytest

from device.model import bundle as bundles
from device.model.classifier import Classifier
from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from firmware_bridge.simulator.wearer import NUMBERS, Wearer
from train.datasets import hapt
from train.datasets.waist import LABELS, TEST_PEOPLE
from train.studies.wearer_fit import fit_wearer
from train.waist.windows import by_our_path


def test_the_committed_numbers_are_what_the_command_makes(data_dir: Path) -> None:
    made = fit_wearer(hapt.load(data_dir))
    kept = json.loads(NUMBERS.read_text(encoding="utf-8"))
    assert made["from"] == kept["from"]
    assert list(made["activities"]) == list(LABELS)
    for label, numbers in made["activities"].items():
        for name, value in numbers.items():
            for part, found in value.items() if isinstance(value, dict) else [("", value)]:
                wanted = kept["activities"][label][name]
                wanted = wanted[part] if part else wanted
                # Another machine's linear algebra may round the last digit otherwise.
                assert np.asarray(found) == pytest.approx(np.asarray(wanted), abs=2e-4)


@pytest.mark.slow
def test_it_moves_and_rests_as_much_as_people_do(data_dir: Path) -> None:
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


def test_the_shipped_model_knows_what_the_wearer_does() -> None:
    bundle = bundles.load(bundles.locate("waist"))
    classifier = Classifier(bundle)
    known = set()
    for label in bundle.labels:
        samples, _ = Wearer(2).samples([(label, 40.0)])
        x = np.stack([window.x for window in windows_of(samples, bundle.spec)])
        said = classifier.probabilities(x).argmax(axis=1)
        if np.mean(said == bundle.labels.index(label)) > 0.8:
            known.add(label)
    assert len(known) >= 4
