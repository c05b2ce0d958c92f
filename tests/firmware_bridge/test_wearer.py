"""The synthetic wearer's movements are those of a body."""

import numpy as np
import pytest

from firmware_bridge.errors import InputError
from firmware_bridge.simulator.wearer import TRANSITION_S, Wearer

GAITS = ("walking", "walking_upstairs", "walking_downstairs")
RESTS = ("sitting", "standing", "lying")


def test_equal_seeds_give_equal_samples() -> None:
    script = [("walking", 5.0), ("sitting", 5.0)]
    first, _ = Wearer(3).samples(script)
    again, _ = Wearer(3).samples(script)
    other, _ = Wearer(4).samples(script)
    np.testing.assert_array_equal(first.acc_g, again.acc_g)
    np.testing.assert_array_equal(first.gyro_rad_s, again.gyro_rad_s)
    assert not np.array_equal(first.acc_g, other.acc_g)


@pytest.mark.parametrize("activity", GAITS + RESTS)
def test_gravity_is_one_g_and_rest_is_nearly_still(activity: str) -> None:
    samples, _ = Wearer().samples([(activity, 60.0)])
    assert np.linalg.norm(samples.acc_g.mean(axis=0)) == pytest.approx(1, abs=0.1)
    if activity in RESTS:
        assert samples.acc_g.std(axis=0).max() < 0.05
        assert samples.gyro_rad_s.std(axis=0).max() < 0.15


@pytest.mark.parametrize("activity", GAITS)
@pytest.mark.parametrize("rate_hz", [50.0, 104.0])
def test_steps_come_at_a_human_rate(activity: str, rate_hz: float) -> None:
    samples, _ = Wearer().samples([(activity, 60.0)], rate_hz)
    vertical = samples.acc_g[:, 0] - samples.acc_g[:, 0].mean()
    spectrum = np.abs(np.fft.rfft(vertical))
    peak_hz = np.fft.rfftfreq(len(vertical), 1 / rate_hz)[spectrum.argmax()]
    assert 1.2 < peak_hz < 2.6
    assert vertical.std() > 0.1


def test_every_sample_has_a_label_except_during_a_change() -> None:
    samples, labels = Wearer().samples([("standing", 10.0), ("walking", 20.0), ("lying", 10.0)])
    assert len(labels) == len(samples) == 2000
    t_s = samples.t_s
    changing = (np.abs(t_s - 10) < TRANSITION_S / 2) | (np.abs(t_s - 30) < TRANSITION_S / 2)
    expected = np.select([changing, t_s < 10, t_s < 30], ["", "standing", "walking"], "lying")
    assert labels == expected.tolist()


def test_the_gyroscope_agrees_with_the_turn_of_gravity() -> None:
    samples, _ = Wearer().samples([("sitting", 10.0), ("lying", 10.0)])
    turning = samples[slice(*np.searchsorted(samples.t_s, (9.2, 10.8)))]
    unit = turning.acc_g / np.linalg.norm(turning.acc_g, axis=1, keepdims=True)
    smooth = np.stack([np.convolve(axis, np.ones(9) / 9, mode="same") for axis in unit.T], axis=1)
    change = np.gradient(smooth, 0.02, axis=0)[6:-6]
    predicted = -np.cross(turning.gyro_rad_s, smooth)[6:-6]
    slope = np.sum(change * predicted) / np.sum(predicted**2)
    assert slope == pytest.approx(1, abs=0.1)


def test_nothing_jumps_when_the_posture_changes() -> None:
    samples, _ = Wearer().samples([("sitting", 10.0), ("lying", 10.0), ("standing", 10.0)])
    step_g = np.linalg.norm(np.diff(samples.acc_g, axis=0), axis=1)
    assert step_g.max() < 0.15


def test_an_empty_script_gives_no_samples_and_an_unknown_activity_is_an_error() -> None:
    samples, labels = Wearer().samples([])
    assert len(samples) == len(labels) == 0
    with pytest.raises(InputError, match="juggling"):
        Wearer().samples([("juggling", 5.0)])
