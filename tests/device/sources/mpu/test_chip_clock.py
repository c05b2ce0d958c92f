import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sources.mpu.chip_clock import ChipClock

ORIGIN_S = 5000.0


def count_at(
    clock: ChipClock, period_s: float, at_s: float, latency_s: float, lag_s: float = 0.0
) -> None:
    """Add the count at at_s of a chip that took sample 0 at ORIGIN_S."""
    answered_s = at_s + latency_s / 2
    clock.add(int(np.floor((answered_s - ORIGIN_S) / period_s)) + 1, at_s, at_s + latency_s + lag_s)


@given(ppm=st.floats(-50_000, 50_000), seed=st.integers(0, 1000), held_up=st.floats(0, 0.5))
def test_times_are_right_however_late_the_counts(ppm: float, seed: int, held_up: float) -> None:
    period_s = 0.02 * (1 + ppm * 1e-6)
    rng = np.random.default_rng(seed)
    clock = ChipClock(0.02)
    at_s = ORIGIN_S
    for _ in range(200):
        lag_s = rng.exponential(1.0) if rng.random() < held_up else 0.0
        count_at(clock, period_s, at_s, 1e-3, lag_s)
        at_s += rng.uniform(0.2, 0.25) + lag_s
    assert clock.settled
    now = round((at_s - ORIGIN_S) / period_s)
    # Counts at random times give the time to less than half a period.
    assert clock.when_s(now) == pytest.approx(ORIGIN_S + now * period_s, abs=0.01)
    assert clock.period_s == pytest.approx(period_s, rel=1e-3)
    middle_s = ORIGIN_S + (now + 0.5) * period_s
    assert clock.count_at(middle_s) == now + 1


@given(
    seed=st.integers(0, 1000),
    holes=st.lists(st.integers(1, 100_000), max_size=3),
    jump_s=st.floats(-0.5, 0.5),
)
def test_times_rise_evenly_in_spite_of_gaps_and_jumps(
    seed: int, holes: list[int], jump_s: float
) -> None:
    rng = np.random.default_rng(seed)
    clock = ChipClock(0.02)
    count, at_s = 0, ORIGIN_S
    last_s, step_s = -np.inf, 0.0
    for n in range(120):
        skipped = holes[n // 40] if n % 40 == 20 and n // 40 < len(holes) else 0
        at_s += 0.2 + 0.02 * skipped + (jump_s if n == 100 else 0.0)
        clock.add(count + skipped + 10, at_s, at_s + rng.uniform(1e-4, 5e-3))
        if clock.settled:
            t_s = clock.times_s(count + skipped, 10)
            assert t_s[0] > last_s
            assert np.all(np.diff(t_s) > 0.009)
            if step_s and not skipped and n not in {100, 101}:
                assert t_s[0] - last_s == pytest.approx(step_s, rel=0.1)
            last_s, step_s = float(t_s[-1]), float(t_s[-1] - t_s[-2])
        count += skipped + 10


def test_a_known_period_settles_sooner() -> None:
    fresh, known = ChipClock(0.02), ChipClock(0.02, 0.0203)
    for n in range(8):
        for clock in (fresh, known):
            # From both sides of a sample, closer each time.
            near_s = 0.02 / 2 ** (n + 2) * (-1) ** n
            count_at(clock, 0.0203, ORIGIN_S + 0.0203 * (1 + n) + near_s, 1e-4)
    assert known.settled
    assert not fresh.settled
