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


def after_walking(rotation: Float64, windows: int = 60, seed: int = 0) -> MountingEstimator:
    orientation = MountingEstimator(SPEC, RATE_HZ)
    for x in walk_of(windows, rotation, seed):
        orientation.place(x)
    return orientation


def off_by(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(found - expected).max())


@settings(max_examples=40)
@given(rotation=rotations)
def test_whichever_way_the_sensor_sits_the_wearer_s_axes_come_out(rotation: Float64) -> None:
    orientation = after_walking(rotation)
    assert orientation.known
    assert orientation.confidence > 0.8
    for window in (still, lambda turn: walk_of(1, turn, seed=7)[0]):
        found, known = orientation.place(window(rotation))
        assert known
        assert off_by(found, window(np.eye(3))) < 0.25


@settings(max_examples=20)
@given(rotation=rotations)
def test_the_turn_of_the_sensor_makes_no_difference_to_what_comes_out(rotation: Float64) -> None:
    as_it_is, turned_over = MountingEstimator(SPEC, RATE_HZ), MountingEstimator(SPEC, RATE_HZ)
    for a, b in zip(walk_of(40, np.eye(3)), walk_of(40, rotation), strict=True):
        one, other = as_it_is.place(a), turned_over.place(b)
        assert one[1] == other[1]
        assert off_by(one[0], other[0]) < 1e-3


def test_what_it_turns_keeps_its_hand_and_acceleration_its_size() -> None:
    orientation = after_walking(turned((1, 2, 3), 77))
    x = np.random.default_rng(0).normal(size=(128, 9)).astype(np.float32)
    found, _ = orientation.place(x)
    sizes = np.linalg.norm(found.reshape(-1, 3, 3), axis=2)
    sizes /= np.linalg.norm(x.reshape(-1, 3, 3), axis=2)
    assert sizes[:, 0] == pytest.approx(1, abs=1e-5)
    assert np.ptp(sizes, axis=0) == pytest.approx([0, 0, 0], abs=1e-5)
    before = np.cross(x[:, :3], x[:, 3:6]) * x[:, 6:]
    after = np.cross(found[:, :3], found[:, 3:6]) * found[:, 6:]
    assert after.sum(1) == pytest.approx(before.sum(1) * sizes[0].prod(), abs=1e-4)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_how_hard_a_wearer_moves_or_a_sensor_reads_hardly_shows(gain: float) -> None:
    plain, other = MountingEstimator(SPEC, RATE_HZ), MountingEstimator(SPEC, RATE_HZ)
    gains = np.repeat([1.0, gain, 1.0], 3).astype(np.float32)
    for x in walk_of(300, np.eye(3)):
        one, same = plain.place(x)[0], other.place(x * gains)[0]
    assert same == pytest.approx(one, rel=0.02, abs=0.01)
    assert plain.frame.own_rate_rad_s == pytest.approx(math.sqrt(2.0**2 / 2), rel=0.1)
    assert plain.frame.own_rate_rad_s < other.frame.own_rate_rad_s or gain < 1


def test_no_wearer_s_movement_is_scaled_beyond_reason() -> None:
    spec = replace(SPEC, typical_rate_rad_s=50.0, typical_body_g=0.01)
    orientation = MountingEstimator(spec, RATE_HZ)
    for x in walk_of(300, np.eye(3)):
        found = orientation.place(x)[0]
    assert np.linalg.norm(found[:, 3:6]) == pytest.approx(4 * np.linalg.norm(x[:, 3:6]), rel=1e-4)
    assert np.linalg.norm(found[:, 6:]) == pytest.approx(np.linalg.norm(x[:, 6:]) / 4, rel=1e-4)


def test_who_never_walks_is_never_known_and_never_turned() -> None:
    orientation = MountingEstimator(SPEC, RATE_HZ)
    for seed in range(500):
        x = still(turned((0, 1, 1), 40), seed)
        found, known = orientation.place(x)
        assert not known
        assert found is x
    assert orientation.confidence == 0


def test_confidence_grows_with_the_walk() -> None:
    confidences = [after_walking(np.eye(3), windows).confidence for windows in (1, 5, 10, 20)]
    assert confidences == sorted(confidences)
    assert confidences[0] < SPEC.known_at <= confidences[-1]


def test_walks_that_contradict_each_other_are_not_known() -> None:
    rng = np.random.default_rng(0)
    orientation = MountingEstimator(SPEC, RATE_HZ)
    for seed in range(100):
        rotation = turned(tuple(rng.normal(size=3)), rng.uniform(-180, 180))
        _, known = orientation.place(walk_of(1, rotation, seed)[0])
        assert not known


def test_a_strap_put_on_the_other_way_round_is_found_out() -> None:
    orientation = after_walking(np.eye(3), 300)
    other = turned((0, 0, 1), 180)
    for x in walk_of(int(1.3 * SPEC.rival_windows[1]), other, seed=1):
        orientation.place(x)
    assert orientation.known
    assert off_by(orientation.place(still(other))[0], still(np.eye(3))) < 0.25


def test_a_minute_that_only_looks_like_walking_changes_nothing() -> None:
    orientation = after_walking(np.eye(3))
    for seed in range(5):
        before = orientation.to_state()
        for x in walk_of(int(SPEC.rival_windows[0]) - 1, turned((0, 1, 0), 70), seed):
            assert orientation.place(x)[1]
        assert orientation.to_state() == before
        for x in walk_of(10, np.eye(3), seed):
            orientation.place(x)
        assert orientation.to_state()["windows"] > before["windows"]


@pytest.mark.parametrize(("before", "sooner"), [(20, True), (300, False)])
def test_the_longer_the_walks_the_longer_a_turned_strap_must_be_walked(
    before: int, sooner: bool
) -> None:
    orientation = after_walking(np.eye(3), before)
    other = turned((0, 1, 0), 90)
    for x in walk_of(60, other, seed=1):
        assert orientation.place(x)[1]
    assert (off_by(orientation.place(still(other))[0], still(np.eye(3))) < 0.25) == sooner


def test_hands_that_moved_before_the_first_walk_do_not_keep_it_from_counting() -> None:
    orientation = after_walking(turned((0, 1, 0), 70), 10)
    assert not orientation.known
    told = [orientation.place(x)[1] for x in walk_of(20, np.eye(3), seed=1)]
    assert told[-1]
    assert off_by(orientation.place(still(np.eye(3)))[0], still(np.eye(3))) < 0.25


def test_what_agrees_with_nothing_does_not_take_over() -> None:
    orientation = after_walking(np.eye(3))
    before = orientation.to_state()
    for seed in range(200):
        away = turned((1, 0, 0), 120.0 * seed) @ turned((0, 1, 0), 70)
        assert orientation.place(walk_of(1, away, seed)[0])[1]
    assert orientation.to_state() == before


def test_a_few_outliers_between_walks_never_add_up() -> None:
    orientation = after_walking(np.eye(3))
    other = turned((0, 1, 0), 90)
    for seed in range(20):
        for x in [*walk_of(5, other, seed), *walk_of(10, np.eye(3), seed)]:
            orientation.place(x)
    assert off_by(orientation.place(still(np.eye(3)))[0], still(np.eye(3))) < 0.25


def test_after_a_long_silence_it_must_be_seen_again_but_not_after_a_short_one() -> None:
    orientation = after_walking(np.eye(3))
    orientation.silence(SPEC.break_after_s - 1)
    assert orientation.known
    orientation.silence(SPEC.break_after_s)
    assert not orientation.known
    other = turned((1, 0, 0), 90)
    for x in walk_of(60, other, seed=3):
        orientation.place(x)
    assert orientation.known
    assert off_by(orientation.place(still(other))[0], still(np.eye(3))) < 0.3


def test_its_state_is_all_of_it() -> None:
    whole, first = (
        after_walking(turned((1, 1, 0), 30), 50),
        after_walking(turned((1, 1, 0), 30), 25),
    )
    state = json.loads(json.dumps(first.to_state()))
    second = MountingEstimator(SPEC, RATE_HZ, state)
    for x in walk_of(50, turned((1, 1, 0), 30))[25:]:
        second.place(x)
    assert second.to_state() == whole.to_state()
    assert (second.known, second.confidence) == (whole.known, whole.confidence)


@pytest.mark.parametrize("state", [{}, {"known": 1}, {"known": True, "windows": "many"}])
def test_a_state_that_is_none_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(InputError, match="not a mounting"):
        MountingEstimator(SPEC, RATE_HZ, state)


def test_walking_is_told_by_its_rhythm_and_strength() -> None:
    (walk,) = walk_of(1, turned((1, 2, 0), 50))
    assert walks(walk, SPEC, RATE_HZ)
    assert not walks(still(np.eye(3)), SPEC, RATE_HZ)
    # Too fast, too hard, or no rhythm at all.
    assert not walks(walk_of(1, np.eye(3), stride_hz=4.1)[0], SPEC, RATE_HZ)
    assert not walks(walk * np.float32(8), SPEC, RATE_HZ)
    across = walk.copy()
    across[:, :3] -= across[:, 6:]
    down = across[:, :3].mean(axis=0) / np.linalg.norm(across[:, :3].mean(axis=0))
    across[:, 6:] -= np.outer(across[:, 6:] @ down, 0.9 * down)
    across[:, :3] += across[:, 6:]
    assert not walks(across, SPEC, RATE_HZ)
    shaken = np.random.default_rng(0).normal(0, 0.2, (128, 9)).astype(np.float32)
    assert not walks(shaken, SPEC, RATE_HZ)
    assert not walks(np.zeros((128, 9), np.float32), SPEC, RATE_HZ)


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
def test_a_spec_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="orientation"):
        MountingSpec.from_dict({**SPEC.to_dict(), **change})


def test_the_spec_survives_the_manifest() -> None:
    spec = MountingSpec(("lying",), cadence_hz=(1.0, 2.5), known_at=0.7)
    assert MountingSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
