"""The parts of the report on `not_worn`: micro-movement, and a simulated sensor on a table."""

import numpy as np
import pytest

from device.signal.path import windows_of
from firmware_bridge.samples import Samples
from train.studies.micro_movement import beyond_noise_rad_s
from train.studies.nonwear import WORN, unworn_figures
from train.studies.unworn import unworn
from train.wrist.spec import SPEC


def noisy(noise_rad_s: float, pulse_rad_s: float = 0.0, rate_hz: float = 25.0) -> Samples:
    """Return five minutes of white noise on each axis, and a pulse of 1.2 Hz about one axis."""
    random = np.random.default_rng(0)
    t_s = np.arange(round(300 * rate_hz)) / rate_hz
    gyro = random.normal(scale=noise_rad_s, size=(len(t_s), 3))
    gyro[:, 1] += 2**0.5 * pulse_rad_s * np.sin(2 * np.pi * 1.2 * t_s)
    return Samples(t_s, np.tile([0.0, 0.0, 1.0], (len(t_s), 1)), gyro)


@pytest.mark.parametrize("rate_hz", [20.0, 25.0, 50.0])
def test_a_pulse_is_measured_without_the_noise_of_the_sensor(rate_hz: float) -> None:
    assert beyond_noise_rad_s(noisy(0.008, 0.004, rate_hz)) == pytest.approx(0.004, rel=0.25)
    assert beyond_noise_rad_s(noisy(0.008, 0.0, rate_hz)) == pytest.approx(0, abs=0.002)


def test_a_short_recording_has_no_result() -> None:
    whole = noisy(0.01)
    assert beyond_noise_rad_s(whole[:0]) is None
    assert beyond_noise_rad_s(whole[:1]) is None
    assert beyond_noise_rad_s(whole[:500]) is None


def test_a_sensor_on_a_table_has_the_noise_of_the_data_sheet_and_becomes_not_worn() -> None:
    lying = unworn(1200)
    # 400 ug and 0.005 deg/s per root of a Hz, in 20 Hz (PS-MPU-6000A 6.1, 6.2). In the first ten
    # seconds, counts add little and drift nothing.
    start = lying[: 10 * 50]
    np.testing.assert_allclose(start.acc_g.std(axis=0), 0.00224, rtol=0.15)
    np.testing.assert_allclose(np.degrees(start.gyro_rad_s.std(axis=0)), 0.028, rtol=0.15)
    figures = unworn_figures(windows_of(lying, SPEC))
    assert WORN.after_s < figures["delay_s"] < WORN.after_s + 10
    assert figures["not_worn"] + figures["too_still"] > 0.9
