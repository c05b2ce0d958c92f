"""The estimate of the mounting on synthetic walks."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.mounting.estimator import MountingEstimator
from device.mounting.gait import walks
from device.mounting.spec import MountingSpec
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64
from tests.device.mounting.walks import RATE_HZ, still, walk_of

SPEC = MountingSpec(("sitting", "standing", "lying"))
IDENTITY = np.eye(3)


def turned(axis: tuple[float, float, float], degrees: float) -> Float64:
    """Return the rotation about an axis (Rodrigues)."""
    unit = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    angle = math.radians(degrees)
    rotation: Float64 = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return rotation


rotations = st.builds(
    turned,
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1),
    st.floats(-180, 180),
)


def walk(
    estimator: MountingEstimator, windows: int, rotation: Float64 = IDENTITY, seed: int = 0
) -> list[bool]:
    """Walk; return for each window whether the mounting is known."""
    return [estimator.place(x)[1] for x in walk_of(windows, rotation, seed)]


def after_walking(rotation: Float64 = IDENTITY, windows: int = 60) -> MountingEstimator:
    estimator = MountingEstimator(SPEC, RATE_HZ)
    walk(estimator, windows, rotation)
    return estimator


def largest_error(x: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(x - expected).max())


def is_right(estimator: MountingEstimator, rotation: Float64 = IDENTITY) -> bool:
    """Return whether an arm at rest is seen in the wearer's axes."""
    return largest_error(estimator.place(still(rotation))[0], still(IDENTITY)) < 0.25


@settings(max_examples=40)
@given(rotation=rotations)
def test_any_mounting_is_estimated(rotation: Float64) -> None:
    estimator = after_walking(rotation)
    assert estimator.known
    assert estimator.confidence > 0.8
    for window in (still, lambda turn: walk_of(1, turn, seed=7)[0]):
        x, known = estimator.place(window(rotation))
        assert known
        assert largest_error(x, window(IDENTITY)) < 0.25


@settings(max_examples=20)
@given(rotation=rotations)
def test_the_result_does_not_depend_on_the_mounting(rotation: Float64) -> None:
    straight, rotated = MountingEstimator(SPEC, RATE_HZ), MountingEstimator(SPEC, RATE_HZ)
    for a, b in zip(walk_of(40, IDENTITY), walk_of(40, rotation), strict=True):
        one, other = straight.place(a), rotated.place(b)
        assert one[1] == other[1]
        assert largest_error(one[0], other[0]) < 1e-3


def test_the_rotation_is_proper_and_keeps_the_size_of_acceleration() -> None:
    x = np.random.default_rng(0).normal(size=(128, 9)).astype(np.float32)
    placed, _ = after_walking(turned((1, 2, 3), 77)).place(x)
    sizes = np.linalg.norm(placed.reshape(-1, 3, 3), axis=2)
    sizes /= np.linalg.norm(x.reshape(-1, 3, 3), axis=2)
    assert sizes[:, 0] == pytest.approx(1, abs=1e-5)
    assert np.ptp(sizes, axis=0) == pytest.approx([0, 0, 0], abs=1e-5)
    before = np.cross(x[:, :3], x[:, 3:6]) * x[:, 6:]
    after = np.cross(placed[:, :3], placed[:, 3:6]) * placed[:, 6:]
    assert after.sum(1) == pytest.approx(before.sum(1) * sizes[0].prod(), abs=1e-4)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_a_gain_of_the_angular_rate_hardly_changes_the_result(gain: float) -> None:
    plain, other = MountingEstimator(SPEC, RATE_HZ), MountingEstimator(SPEC, RATE_HZ)
    gains = np.repeat([1.0, gain, 1.0], 3).astype(np.float32)
    for x in walk_of(300, IDENTITY):
        one, same = plain.place(x)[0], other.place(x * gains)[0]
    assert same == pytest.approx(one, rel=0.02, abs=0.01)
    assert plain.frame.own_rate_rad_s == pytest.approx(math.sqrt(2.0**2 / 2), rel=0.1)
    assert plain.frame.own_rate_rad_s < other.frame.own_rate_rad_s or gain < 1


def test_the_scale_of_movement_is_limited() -> None:
    spec = replace(SPEC, typical_rate_rad_s=50.0, typical_body_g=0.01)
    estimator = MountingEstimator(spec, RATE_HZ)
    for x in walk_of(300, IDENTITY):
        placed = estimator.place(x)[0]
    assert np.linalg.norm(placed[:, 3:6]) == pytest.approx(4 * np.linalg.norm(x[:, 3:6]), rel=1e-4)
    assert np.linalg.norm(placed[:, 6:]) == pytest.approx(np.linalg.norm(x[:, 6:]) / 4, rel=1e-4)


def test_without_walking_the_mounting_stays_unknown_and_the_window_unchanged() -> None:
    estimator = MountingEstimator(SPEC, RATE_HZ)
    for seed in range(500):
        x = still(turned((0, 1, 1), 40), seed)
        placed, known = estimator.place(x)
        assert not known
        assert placed is x
    assert estimator.confidence == 0


def test_confidence_grows_with_the_walk() -> None:
    confidences = [after_walking(windows=windows).confidence for windows in (1, 5, 10, 20)]
    assert confidences == sorted(confidences)
    assert confidences[0] < SPEC.known_at <= confidences[-1]


def test_contradictory_walks_leave_the_mounting_unknown() -> None:
    rng = np.random.default_rng(0)
    estimator = MountingEstimator(SPEC, RATE_HZ)
    for seed in range(100):
        rotation = turned(tuple(rng.normal(size=3)), rng.uniform(-180, 180))
        assert walk(estimator, 1, rotation, seed) == [False]


def test_a_strap_put_on_the_other_way_round_is_detected() -> None:
    estimator, other = after_walking(windows=300), turned((0, 0, 1), 180)
    walk(estimator, int(1.3 * SPEC.rival_windows[1]), other, seed=1)
    assert estimator.known
    assert is_right(estimator, other)


def test_a_minute_of_false_walking_changes_nothing() -> None:
    estimator = after_walking()
    for seed in range(5):
        before = estimator.to_state()
        assert all(walk(estimator, int(SPEC.rival_windows[0]) - 1, turned((0, 1, 0), 70), seed))
        assert estimator.to_state() == before
        walk(estimator, 10, seed=seed)
        assert estimator.to_state()["windows"] > before["windows"]


@pytest.mark.parametrize(("before", "sooner"), [(20, True), (300, False)])
def test_after_longer_walks_a_turned_strap_needs_a_longer_walk(before: int, sooner: bool) -> None:
    estimator, other = after_walking(windows=before), turned((0, 1, 0), 90)
    assert all(walk(estimator, 60, other, seed=1))
    assert is_right(estimator, other) == sooner


def test_false_walking_before_the_first_walk_does_not_prevent_the_estimate() -> None:
    estimator = after_walking(turned((0, 1, 0), 70), 10)
    assert not estimator.known
    assert walk(estimator, 20, seed=1)[-1]
    assert is_right(estimator)


def test_outliers_without_agreement_change_nothing() -> None:
    estimator = after_walking()
    before = estimator.to_state()
    for seed in range(200):
        away = turned((1, 0, 0), 120.0 * seed) @ turned((0, 1, 0), 70)
        assert walk(estimator, 1, away, seed) == [True]
    assert estimator.to_state() == before


def test_outliers_between_walks_do_not_accumulate() -> None:
    estimator = after_walking()
    for seed in range(20):
        walk(estimator, 5, turned((0, 1, 0), 90), seed)
        walk(estimator, 10, seed=seed)
    assert is_right(estimator)


def test_after_a_long_gap_the_mounting_is_estimated_again() -> None:
    estimator, other = after_walking(), turned((1, 0, 0), 90)
    estimator.silence(SPEC.break_after_s - 1)
    assert estimator.known
    estimator.silence(SPEC.break_after_s)
    assert not estimator.known
    assert walk(estimator, 60, other, seed=3)[-1]
    assert largest_error(estimator.place(still(other))[0], still(IDENTITY)) < 0.3


def test_the_state_is_complete() -> None:
    rotation = turned((1, 1, 0), 30)
    whole, first = after_walking(rotation, 50), after_walking(rotation, 25)
    second = MountingEstimator(SPEC, RATE_HZ, json.loads(json.dumps(first.to_state())))
    for x in walk_of(50, rotation)[25:]:
        second.place(x)
    assert second.to_state() == whole.to_state()
    assert (second.known, second.confidence) == (whole.known, whole.confidence)


def test_walking_is_detected_by_rhythm_and_strength() -> None:
    (walking,) = walk_of(1, turned((1, 2, 0), 50))
    assert walks(walking, SPEC, RATE_HZ)
    across = walking.copy()
    across[:, :3] -= across[:, 6:]
    down = across[:, :3].mean(axis=0) / np.linalg.norm(across[:, :3].mean(axis=0))
    across[:, 6:] -= np.outer(across[:, 6:] @ down, 0.9 * down)
    across[:, :3] += across[:, 6:]
    for x in (
        still(IDENTITY),
        walk_of(1, IDENTITY, stride_hz=4.1)[0],  # too fast
        walking * np.float32(8),  # too strong
        across,  # shaken across gravity
        np.random.default_rng(0).normal(0, 0.2, (128, 9)).astype(np.float32),  # no rhythm
        np.zeros((128, 9), np.float32),
    ):
        assert not walks(x, SPEC, RATE_HZ)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "standing"},
        {"postures": "sitting"},
        {"postures": [1]},
        {"cadence_hz": [2.6, 1.2]},
        {"cadence_hz": [1.2]},
        {"cadence_hz": 2.0},
        {"rhythm": 3},
        {"rhythm": [0.5]},
        {"memory_windows": 0},
        {"typical_rate_rad_s": 0},
        {"rival_windows": 40},
        {"known_at": 0.3, "lost_at": 0.4},
        {"speed": 3},
    ],
)
def test_an_invalid_spec_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="orientation"):
        MountingSpec.from_dict({**SPEC.to_dict(), **change})
