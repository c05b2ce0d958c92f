"""Gyro against accelerometer: any wrong axis or sign is found, and the real sensors pass."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, RotationSpline

from device.doctor import agreement
from device.doctor.agreement import AXES
from firmware_bridge.samples import Float64, Samples
from train.datasets import wrist
from train.studies.gyro_check import check, check_people, low_pass

RATE_HZ = 50.0


def turning(seed: int, seconds: float = 60, rate_hz: float = RATE_HZ) -> Samples:
    """Simulate an arm that turns slowly between random attitudes and is not shaken."""
    random = np.random.default_rng(seed)
    knots_s = np.arange(0, seconds + 6, 6.0)
    spline = RotationSpline(knots_s, Rotation.random(len(knots_s), random_state=seed))
    t_s = np.arange(0, seconds, 1 / rate_hz)
    attitude = spline(t_s)  # of the sensor in the world
    up = attitude.inv().apply([0, 0, 1.0])
    rate = spline(t_s, 1)  # in the sensor's axes
    noise = random.normal(size=(2, len(t_s), 3))
    return Samples(t_s, up + 0.01 * noise[0], rate + 0.02 * noise[1])


def turned(samples: Samples, gyro_axes: Float64) -> Samples:
    return replace(samples, gyro_rad_s=samples.gyro_rad_s @ gyro_axes.T)


def test_there_are_48_ways_and_the_first_is_none() -> None:
    assert len({axes.tobytes() for axes in AXES}) == 48
    np.testing.assert_array_equal(AXES[0], np.eye(3))
    for axes in AXES:
        np.testing.assert_array_equal(axes @ axes.T, np.eye(3))


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 104.0])
def test_agreement_is_recognised_at_any_rate(rate_hz: float) -> None:
    fit = check([turning(1, rate_hz=rate_hz)])
    assert fit is not None
    assert fit.as_it_is
    assert fit.scale == pytest.approx(1, abs=0.03)
    assert fit.correlation > 0.97


@given(st.integers(0, 47), st.integers(0, 1000))
@settings(max_examples=8)
def test_any_wrong_naming_or_signing_is_found(wrong: int, seed: int) -> None:
    fit = check([turned(turning(seed), AXES[wrong])])
    assert fit is not None
    # What puts the gyro right undoes what was done to it.
    np.testing.assert_array_equal(fit.axes @ AXES[wrong], np.eye(3))
    assert fit.as_it_is == (wrong == 0)


@given(st.floats(0.3, 3.0), st.integers(0, 1000))
@settings(max_examples=8)
def test_a_wrong_full_scale_shows(factor: float, seed: int) -> None:
    """A gyro that says `factor` times too much needs 1 / factor."""
    fit = check([turned(turning(seed), factor * np.eye(3))])
    assert fit is not None
    assert fit.scale * factor == pytest.approx(1, abs=0.05)
    assert fit.as_it_is


@given(st.integers(0, 1000))
@settings(max_examples=8)
def test_how_the_sensor_sits_on_the_arm_does_not_matter(seed: int) -> None:
    samples, mounting = turning(3), Rotation.random(random_state=seed).as_matrix()
    before = check([samples])
    after = check(
        [Samples(samples.t_s, samples.acc_g @ mounting.T, samples.gyro_rad_s @ mounting.T)]
    )
    assert before is not None
    assert after is not None
    assert after.as_it_is
    assert after.correlation == pytest.approx(before.correlation, abs=0.01)


@given(st.integers(100, 600), st.integers(0, 1000))
@settings(max_examples=8)
def test_the_boards_filter_is_the_one_used_here(count: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(count, 2, 3)).cumsum(axis=0)
    np.testing.assert_allclose(agreement.low_pass(x), low_pass(x), rtol=0, atol=1e-9)


def test_the_board_comes_to_the_same_answer() -> None:
    there, here = agreement.check([turning(5)]), check([turning(5)])
    assert there is not None
    assert here is not None
    assert there.scale == pytest.approx(here.scale, abs=1e-9)
    assert there.best_correlation == pytest.approx(here.correlation, abs=1e-9)


def test_what_it_was_not_turned_about_is_said() -> None:
    """Nodding about y alone tells nothing of x and z."""
    t_s = np.arange(0, 30, 1 / RATE_HZ)
    angle, rate = np.sin(t_s), np.cos(t_s)
    zero = 0 * t_s
    acc_g = np.stack([np.sin(angle), zero, np.cos(angle)], axis=1)
    fit = check([Samples(t_s, acc_g, np.stack([zero, -rate, zero], axis=1))])
    assert fit is not None
    assert fit.turned == (False, True, False)
    assert fit.correlation == pytest.approx(1, abs=0.01)
    assert fit.correlation == pytest.approx(fit.best_correlation, abs=1e-6)
    everywhere = check([turning(1)])
    assert everywhere is not None
    assert all(everywhere.turned)


def test_too_little_movement_gives_no_answer() -> None:
    t_s = np.arange(0, 60, 0.02)
    still = Samples(t_s, np.tile([0.0, 0.0, 1.0], (len(t_s), 1)), np.zeros((len(t_s), 3)))
    assert check([still]) is None
    assert check([]) is None
    assert check([turning(1)[:100]]) is None


def test_a_gap_is_no_movement() -> None:
    """Between two halves, hours apart, the arm turned unseen."""
    first, second = turning(1), turning(2)
    both = Samples(
        np.concatenate([first.t_s, second.t_s + 5000]),
        np.concatenate([first.acc_g, second.acc_g]),
        np.concatenate([first.gyro_rad_s, second.gyro_rad_s]),
    )
    fit = check([both])
    assert fit is not None
    assert fit.correlation > 0.97


def test_the_mpu6050_is_right_since_its_gyro_is_negated(data_dir: Path) -> None:
    pieces = wrist.load("mpu6050", data_dir).pieces
    as_loaded = check_people(pieces)
    as_published = check_people(
        replace(piece, samples=turned(piece.samples, -np.eye(3))) for piece in pieces
    )
    assert len(as_loaded) == 3
    for who, fit in as_loaded.items():
        published = as_published[who]
        assert fit is not None
        assert published is not None
        assert fit.as_it_is
        assert fit.scale == pytest.approx(1, abs=0.25)
        assert published.scale == pytest.approx(-fit.scale)
        np.testing.assert_array_equal(published.axes, -np.eye(3))


@pytest.mark.parametrize("name", ["sp-sw", "weda"])
def test_the_watches_are_right_as_they_come(data_dir: Path, name: str) -> None:
    fits = [fit for fit in check_people(wrist.load(name, data_dir).pieces).values() if fit]
    assert len(fits) >= 13
    assert all(fit.as_it_is for fit in fits)
    assert np.median([fit.scale for fit in fits]) == pytest.approx(0.9, abs=0.05)
    assert np.median([fit.correlation for fit in fits]) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("name", "worn", "otherwise"), [("wisdm", 36, 0), ("daily-sports", 12, 1)])
def test_the_larger_sets_are_right_as_they_come(
    data_dir: Path, name: str, worn: int, otherwise: int
) -> None:
    fits = [fit for fit in check_people(wrist.load(name, data_dir).pieces).values() if fit]
    assert len(fits) == worn
    assert sum(not fit.as_it_is for fit in fits) <= otherwise
    assert np.median([fit.scale for fit in fits]) == pytest.approx(0.95, abs=0.07)
