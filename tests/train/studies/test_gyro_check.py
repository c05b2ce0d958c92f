"""Gyroscope against accelerometer: wrong axes and signs are found, and real sensors agree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, RotationSpline

from device.doctor import agreement
from device.doctor.agreement import AXES, Agreement
from firmware_bridge.samples import Float64, Samples
from train.datasets import wrist
from train.studies.gyro_check import check, check_people, low_pass

RATE_HZ = 50.0


def turning(seed: int, rate_hz: float = RATE_HZ) -> Samples:
    """Simulate a minute of an arm that turns slowly between random attitudes without shocks."""
    random = np.random.default_rng(seed)
    knots_s = np.arange(0, 66, 6.0)
    spline = RotationSpline(knots_s, Rotation.random(len(knots_s), random_state=seed))
    t_s = np.arange(0, 60, 1 / rate_hz)
    up = spline(t_s).inv().apply([0, 0, 1.0])  # from the world to the sensor
    noise = random.normal(size=(2, len(t_s), 3))
    return Samples(t_s, up + 0.01 * noise[0], spline(t_s, 1) + 0.02 * noise[1])


def changed(samples: Samples, gyro: Float64) -> Samples:
    return replace(samples, gyro_rad_s=samples.gyro_rad_s @ gyro.T)


def checked(*recordings: Samples) -> Agreement:
    fit = check(recordings)
    assert fit is not None
    return fit


def test_there_are_48_axes_and_signs_and_the_first_are_unchanged() -> None:
    assert len({axes.tobytes() for axes in AXES}) == 48
    np.testing.assert_array_equal(AXES[0], np.eye(3))
    for axes in AXES:
        np.testing.assert_array_equal(axes @ axes.T, np.eye(3))


@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 104.0])
def test_agreement_is_recognised_at_any_rate(rate_hz: float) -> None:
    fit = checked(turning(1, rate_hz))
    assert fit.as_it_is
    assert fit.scale == pytest.approx(1, abs=0.03)
    assert fit.correlation > 0.97
    assert all(fit.turned)


@given(st.integers(0, 47), st.integers(0, 1000))
@settings(max_examples=8)
def test_any_wrong_axis_or_sign_is_found(wrong: int, seed: int) -> None:
    fit = checked(changed(turning(seed), AXES[wrong]))
    np.testing.assert_array_equal(fit.axes @ AXES[wrong], np.eye(3))
    assert fit.as_it_is == (wrong == 0)


@given(st.floats(0.3, 3.0), st.integers(0, 1000))
@settings(max_examples=8)
def test_a_wrong_full_scale_changes_the_scale(factor: float, seed: int) -> None:
    fit = checked(changed(turning(seed), factor * np.eye(3)))
    assert fit.scale * factor == pytest.approx(1, abs=0.05)
    assert fit.as_it_is


@given(st.integers(0, 1000))
@settings(max_examples=8)
def test_the_mounting_does_not_matter(seed: int) -> None:
    samples, mounting = turning(3), Rotation.random(random_state=seed).as_matrix()
    after = checked(
        Samples(samples.t_s, samples.acc_g @ mounting.T, samples.gyro_rad_s @ mounting.T)
    )
    assert after.as_it_is
    assert after.correlation == pytest.approx(checked(samples).correlation, abs=0.01)


@given(st.integers(100, 600), st.integers(0, 1000))
@settings(max_examples=8)
def test_the_filter_is_that_of_the_board(count: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(count, 2, 3)).cumsum(axis=0)
    np.testing.assert_allclose(agreement.low_pass(x), low_pass(x), rtol=0, atol=1e-9)


def test_the_axes_without_rotation_are_named() -> None:
    """A rotation about y alone shows nothing about x and z."""
    t_s = np.arange(0, 30, 1 / RATE_HZ)
    angle, rate = np.sin(t_s), np.cos(t_s)
    zero = 0 * t_s
    acc_g = np.stack([np.sin(angle), zero, np.cos(angle)], axis=1)
    fit = checked(Samples(t_s, acc_g, np.stack([zero, -rate, zero], axis=1)))
    assert fit.turned == (False, True, False)
    assert fit.correlation == pytest.approx(1, abs=0.01)
    assert fit.correlation == pytest.approx(fit.best_correlation, abs=1e-6)


def test_too_little_movement_has_no_result() -> None:
    t_s = np.arange(0, 60, 0.02)
    still = Samples(t_s, np.tile([0.0, 0.0, 1.0], (len(t_s), 1)), np.zeros((len(t_s), 3)))
    assert check([still]) is None
    assert check([]) is None
    assert check([turning(1)[:100]]) is None


def test_a_gap_is_not_a_movement() -> None:
    later = turning(2)
    fit = checked(Samples.joined([turning(1), replace(later, t_s=later.t_s + 5000)]))
    assert fit.correlation > 0.97


def test_the_mpu6050_agrees_because_its_gyroscope_is_negated(data_dir: Path) -> None:
    pieces = wrist.load("mpu6050", data_dir).pieces
    as_loaded = check_people(pieces)
    as_published = check_people(
        replace(piece, samples=changed(piece.samples, -np.eye(3))) for piece in pieces
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


@pytest.mark.parametrize(
    ("name", "sensors", "otherwise", "scale", "tolerance"),
    [
        ("sp-sw", 13, 0, 0.9, 0.05),
        ("weda", 14, 0, 0.9, 0.05),
        pytest.param("wisdm", 36, 0, 0.95, 0.07, marks=pytest.mark.slow),
        pytest.param("daily-sports", 12, 1, 0.95, 0.07, marks=pytest.mark.slow),
    ],
)
def test_the_other_sensors_agree_as_published(
    data_dir: Path, name: str, sensors: int, otherwise: int, scale: float, tolerance: float
) -> None:
    fits = [fit for fit in check_people(wrist.load(name, data_dir).pieces).values() if fit]
    assert len(fits) == sensors
    assert sum(not fit.as_it_is for fit in fits) <= otherwise
    assert np.median([fit.scale for fit in fits]) == pytest.approx(scale, abs=tolerance)
    if otherwise == 0:
        assert np.median([fit.correlation for fit in fits]) > 0.9
