import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.host import clock
from device.host.clock import STEP_S, Reading, stepped

DAYS = 86400.0


@given(
    st.floats(0, 400 * DAYS),
    st.floats(0, 30 * DAYS),
    st.floats(0, 2e9),
    st.one_of(st.just(0.0), st.floats(1, 1e9), st.floats(-1e9, -1)),
)
def test_a_clock_that_was_set_is_told_from_one_that_ran(
    boot_s: float, later_s: float, utc_s: float, by_s: float
) -> None:
    before = Reading("b", boot_s, utc_s)
    after = Reading("b", boot_s + later_s, utc_s + later_s + by_s)
    assert stepped(before.offset_s, after) == (by_s != 0)


def test_many_small_steps_are_one_in_the_end() -> None:
    first = Reading("b", 100.0, 1e9)
    noticed = [
        n
        for n in range(1, 20)
        if stepped(first.offset_s, Reading("b", 100.0, 1e9 + n * STEP_S / 4))
    ]
    assert noticed == list(range(5, 20))


def test_this_host() -> None:
    first = clock.read()
    assert abs(first.utc_s - time.time()) < 1
    assert first.boot_s >= time.monotonic() - 1  # monotonic() excludes suspended time
    assert first.boot is None or len(first.boot) == 36
    assert not stepped(first.offset_s, clock.read())


def test_a_moment_that_was_held_up_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process that is suspended between the two reads would see a step.
    boot_s = iter([10.0, 13.0, 13.0, 13.0001])
    utc_s = iter([1_000_010.0, 1_000_013.00005])
    monkeypatch.setattr("device.host.clock.time.clock_gettime", lambda _: next(boot_s))
    monkeypatch.setattr("device.host.clock.time.time", lambda: next(utc_s))
    assert clock.read().offset_s == pytest.approx(1_000_000.0, abs=1e-4)
