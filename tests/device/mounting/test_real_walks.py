"""The estimate of the mounting on recordings of an MPU-6050 on wrists."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.mounting.estimator import MountingEstimator
from device.mounting.gait import walks
from device.mounting.spec import MountingSpec
from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64
from train.datasets import wrist

SPEC = MountingSpec(("sitting", "standing"))
SIGNAL = SignalSpec()
KNOWN_AFTER = 40
"""Windows: 51 s."""

Windows = list[NDArray[np.float32]]
Wearers = dict[str, dict[str, Windows]]


@pytest.fixture(scope="module")
def wearers(data_dir: Path) -> Wearers:
    """Each wearer's windows by activity; all have one mounting."""
    by_person: Wearers = {}
    for piece in wrist.load("mpu6050", data_dir).pieces:
        windows = [window.x for window in windows_of(piece.samples, SIGNAL)]
        by_person.setdefault(piece.person, {}).setdefault(piece.activity, []).extend(windows)
    return {person: those for person, those in by_person.items() if those.get("walking")}


def spun(seed: int) -> Float64:
    """Return a uniformly distributed proper rotation."""
    turn, upper = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    turn *= np.sign(np.diag(upper))
    rotation: Float64 = turn * np.linalg.det(turn)
    return rotation


def placed(windows: Windows, turn: Float64) -> Iterator[tuple[NDArray[np.float32], bool]]:
    estimator = MountingEstimator(SPEC, SIGNAL.rate_hz)
    turn_of_window = np.kron(np.eye(3), turn).astype(np.float32)
    for x in windows:
        yield estimator.place(x @ turn_of_window)


def test_after_a_minute_of_walking_the_mounting_is_known(wearers: Wearers) -> None:
    assert wearers
    for those in wearers.values():
        known = [known for _, known in placed(those["walking"], np.eye(3))]
        assert known[KNOWN_AFTER]
        assert all(known[KNOWN_AFTER:])


@pytest.mark.parametrize("seed", range(6))
def test_the_mounting_does_not_change_the_result(wearers: Wearers, seed: int) -> None:
    for those in wearers.values():
        windows = those["walking"][:60] + those["sitting"][:10] + those["stairs"][:10]
        pairs = zip(placed(windows, np.eye(3)), placed(windows, spun(seed)), strict=True)
        for (one, known), (other, as_well) in list(pairs)[KNOWN_AFTER:]:
            assert known
            assert as_well
            assert other == pytest.approx(one, abs=1e-3)


def test_sitting_and_standing_are_not_walking(wearers: Wearers) -> None:
    for those in wearers.values():
        still = those["sitting"] + those["standing"]
        assert np.mean([walks(x, SPEC, SIGNAL.rate_hz) for x in still]) < 0.02
        assert np.mean([walks(x, SPEC, SIGNAL.rate_hz) for x in those["walking"]]) > 0.5
