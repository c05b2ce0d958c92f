"""Windows cut from raw recordings have the right labels and people."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.signal.spec import SignalSpec
from firmware_bridge.samples import Samples
from train.datasets import hapt
from train.datasets.hapt import Hapt, Recording, Segment
from train.datasets.waist import LABELS, TEST_PEOPLE
from train.waist.windows import by_our_path

SPEC = SignalSpec()
HOP, WINDOW = SPEC.hop, SPEC.window


def recording(segments: tuple[Segment, ...], count: int = 1000, person: int = 1) -> Recording:
    """Return gravity only; the angular rate is the number of the sample in thousands."""
    acc_g = np.tile([1.0, 0.0, 0.0], (count, 1))
    gyro_rad_s = np.tile(np.arange(count)[:, np.newaxis] / 1000, 3)
    return Recording(1, person, Samples(np.arange(count) / 50, acc_g, gyro_rad_s), segments)


@pytest.mark.parametrize(
    ("first", "end", "count"),
    [
        (2 * HOP, 2 * HOP + WINDOW, 1),  # exactly one window
        (2 * HOP + 1, 2 * HOP + WINDOW, 0),
        (2 * HOP, 2 * HOP + WINDOW - 1, 0),
        (2 * HOP, 4 * HOP + WINDOW, 3),
        (2 * HOP - 10, 2 * HOP + WINDOW + 10, 1),
    ],
)
def test_a_labelled_window_is_wholly_inside_a_segment(first: int, end: int, count: int) -> None:
    windows = by_our_path(Hapt((recording((Segment("lying", first, end),)),), ""), SPEC)
    assert len(windows) == count
    assert set(windows.y) <= {LABELS.index("lying")}


def test_transitions_have_no_windows() -> None:
    segments = (Segment("sit_to_stand", 0, 500), Segment("walking", 500, 1000))
    windows = by_our_path(Hapt((recording(segments),), ""), SPEC)
    assert set(windows.y) == {LABELS.index("walking")}
    # The first sample has number 500 or more; the noise filter delays by about a sample.
    assert windows.x[:, 0, 3].min() >= 0.495


def test_a_smaller_hop_has_the_same_windows_too(data_dir: Path) -> None:
    few = hapt.load(data_dir)
    few = replace(few, recordings=few.recordings[:2])
    coarse, dense = by_our_path(few, SPEC), by_our_path(few, replace(SPEC, hop=16))
    assert len(dense) > 3.5 * len(coarse)
    # Filter blocks have hop samples, so only rounding differs.
    for x, y in zip(coarse.x[::10], coarse.y[::10], strict=True):
        difference = np.abs(dense.x - x).max(axis=(1, 2))
        nearest = int(difference.argmin())
        assert difference[nearest] < 1e-5
        assert dense.y[nearest] == y


@pytest.mark.slow
def test_training_and_test_people_are_separate(data_dir: Path) -> None:
    windows = by_our_path(hapt.load(data_dir), SPEC)
    test = windows.of(TEST_PEOPLE)
    train = windows.of(windows.people - TEST_PEOPLE)
    assert len(test) + len(train) == len(windows)
    assert test.people <= TEST_PEOPLE
    assert not train.people & TEST_PEOPLE
    assert np.isfinite(windows.x).all()
    assert windows.x.dtype == np.float32
    # Hand-labelled segments of 2.56 s and more give some hundred windows of each activity.
    assert np.bincount(windows.y, minlength=len(LABELS)).min() > 500
