"""Our own network for waist data, and the windows to train it on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.conversion_process import convert  # isort: split

import keras

from convert.verify import LEAST_AGREEMENT, verify
from tests.convert.models import windows
from train.datasets.waist import TEST_PEOPLE
from train.fitting.fit import fit
from train.networks.flagship import GAIN, MOTION, flagship
from train.networks.recipes import FLAGSHIP, NOTHING
from train.waist import data as waist_data
from train.waist.windows import LabelledWindows

MOST_BYTES = 100_000


@pytest.mark.slow
def test_int8_has_less_than_100_kb_and_agrees_on_every_runtime() -> None:
    x, y = windows(1500, seed=1)
    made_up = LabelledWindows(x, y, np.ones(len(y), np.int64))  # person 1 is a training person
    model = fit(replace(FLAGSHIP, epochs=6, batch=32, tilt_deg=0.0), 1, made_up).model
    test, true = windows(1000, seed=2)
    converted, reference = convert(model, x[:400], test=test)
    assert len(converted[0].flatbuffer) < MOST_BYTES
    check = verify(converted[0], reference, test, true)
    assert check.keras_accuracy > 0.8  # otherwise agreement means little
    for result in check.runtimes.values():
        assert result.agreement >= LEAST_AGREEMENT["int8"]


def test_sway_of_a_still_wearer_is_larger_than_a_step_of_int8() -> None:
    """A sway of 0.02 rad/s changes the gait branch by few of int8's 255 steps; the gain helps."""
    keras.utils.set_random_seed(1)
    model = flagship(6, NOTHING)
    sway = 0.02 * np.sin(2 * np.pi * np.arange(128) / 50)[:, None]
    still, swaying, walking = (np.zeros((1, 128, 9), np.float32) for _ in range(3))
    first, count = MOTION
    swaying[0, :, first : first + count] = sway
    walking[0, :, first : first + count] = 50 * sway
    steps = {}
    for branch in ("sway1", "gait1"):
        part = keras.Model(model.inputs[0], model.get_layer(branch).output)
        at_rest, small, large = (np.asarray(part(x)) for x in (still, swaying, walking))
        steps[branch] = 255 * np.abs(small - at_rest).max() / np.abs(large).max()
    assert steps["gait1"] < 8
    assert steps["sway1"] > 3 * steps["gait1"]
    assert GAIN * 0.02 < 6  # relu6 saturates at 6


@pytest.mark.slow
def test_additional_windows_are_of_training_people_only(data_dir: Path) -> None:
    both = waist_data.both_data(data_dir, FLAGSHIP.hop)
    alone = waist_data.uci_data(data_dir, FLAGSHIP.hop)
    assert len(alone.train) == 7352
    assert len(both.train) > 4 * len(alone.train)
    assert both.train.people == alone.train.people
    assert not both.train.people & TEST_PEOPLE
    np.testing.assert_array_equal(both.test.x, alone.test.x)
    assert len(both.test) == 2947
    # Both kinds of windows of a person show the same postures, to some hundredths of a g.
    for activity in (4, 5):
        ours, theirs = (
            np.median(part.x[(part.y == activity) & (part.person == 1), :, :3].mean(1), axis=0)
            for part in (both.train.of({1}), alone.train)
        )
        assert np.abs(ours - theirs).max() < 0.05
