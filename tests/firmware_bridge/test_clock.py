"""Device times on the host's clock, despite the jitter of a USB line."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from firmware_bridge.clock import ClockFit
from firmware_bridge.samples import Float64

Delays = Callable[[Generator, int], Float64]


def jitter(rng: Generator, count: int) -> Float64:
    return rng.uniform(-0.005, 0.005, count)


def jitter_and_stalls(rng: Generator, count: int) -> Float64:
    late = rng.random(count) < 0.03
    return jitter(rng, count) + late * rng.uniform(0, 0.1, count)


def errors_s(
    delays: Delays, seed: int, every_s: float = 0.1, rate: Float64 | float = 1.0, end_s: float = 60
) -> Float64:
    """Return the fit's error at each frame after 30 s, for frames with these delays."""
    rng = np.random.default_rng(seed)
    device_s = 7.0 + np.arange(0, end_s, every_s)
    true_s = 1000 + np.cumsum(np.broadcast_to(rate, device_s.shape)) * every_s
    arrived_s = true_s + delays(rng, len(device_s))
    clock, errors = ClockFit(), []
    for x, y, true in zip(device_s.tolist(), arrived_s.tolist(), true_s.tolist(), strict=True):
        clock.add(x, y)
        at = clock.host_s(x)
        assert at is not None
        if x >= 37:
            errors.append(at - true)
    return np.array(errors)


@pytest.mark.parametrize("delays", [jitter, jitter_and_stalls])
@pytest.mark.parametrize("ppm", [0, 200, -5000])
def test_within_a_millisecond_after_30_s_of_5_ms_jitter(delays: Delays, ppm: float) -> None:
    for seed in range(10):
        assert np.abs(errors_s(delays, seed, rate=1 + ppm * 1e-6)).max() < 1e-3


def test_the_fit_follows_changing_drift() -> None:
    # A ceramic resonator warming up: 200 ppm within ten minutes.
    rate = 1 + 200e-6 * np.sin(np.arange(6000) / 6000 * np.pi)
    for seed in range(3):
        assert np.abs(errors_s(jitter, seed, rate=rate, end_s=600)).max() < 1e-3


def test_normally_distributed_delays_are_averaged() -> None:
    def bell(rng: Generator, count: int) -> Float64:
        return rng.normal(0, 0.003, count)

    off = np.array([errors_s(bell, seed)[0] for seed in range(40)])
    assert np.sqrt((off**2).mean()) < 0.001


def test_the_first_message_gives_the_first_estimate() -> None:
    clock = ClockFit()
    assert clock.host_s(5.0) is None
    clock.add(5.0, 105.0)
    assert clock.host_s(6.0) == pytest.approx(106.0)


@pytest.fixture
def clock() -> ClockFit:
    """A fit after 30 s of messages without delay: host time = device time + 100 s."""
    clock = ClockFit()
    for i in range(300):
        clock.add(i / 10, 100 + i / 10)
    return clock


def test_the_fit_starts_again_after_a_jump(clock: ClockFit) -> None:
    # The device was away for 2 s and its time continues after a gap of 10 s.
    for i in range(100):
        clock.add(40 + i / 10, 132 + i / 10)
        assert clock.host_s(40 + i / 10) == pytest.approx(132 + i / 10, abs=1e-6)
    # The device was away for a minute, which at first looks like a stall.
    for i in range(100):
        clock.add(60 + i / 10, 200 + i / 10)
    assert clock.host_s(70.0) == pytest.approx(210.0, abs=1e-6)


def test_a_stall_does_not_change_the_fit(clock: ClockFit) -> None:
    for i in range(300, 330):
        clock.add(i / 10, 133.0)
    for i in range(330, 400):
        clock.add(i / 10, 100 + i / 10)
        assert clock.host_s(i / 10) == pytest.approx(100 + i / 10, abs=1e-3)


def test_memory_is_bounded_at_any_rate_and_pace() -> None:
    clock = ClockFit()
    for i in range(20_000):
        clock.add(i / 100, 100 + i / 5000)
    assert len(clock._points) <= 512
    assert clock.host_s(199.0) == pytest.approx(100 + 199 / 50, abs=1e-3)


@pytest.mark.parametrize("rate", [1.0, 1.078125, 0.93])
def test_messages_without_delay_are_fitted_exactly(rate: float) -> None:
    off_s = errors_s(lambda _, count: np.zeros(count), 0, every_s=0.2, rate=rate)
    assert np.abs(off_s).max() < 1e-6


@pytest.mark.parametrize("ppm", [0, 200, -5000])
def test_the_devices_clock_rate_is_known_after_half_a_minute(ppm: float) -> None:
    rng = np.random.default_rng(1)
    clock = ClockFit()
    device_s = np.arange(0, 64, 0.2)
    late = jitter_and_stalls(rng, len(device_s))
    for x, y in zip(device_s, 1000 + device_s / (1 + ppm * 1e-6) + late, strict=True):
        clock.add(float(x), float(y))
        if x < 30:
            assert clock.device_ppm is None
    assert clock.device_ppm == pytest.approx(ppm, abs=50)
