import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.numbering import FirstSample

PERIOD_S = 0.005
ORIGIN_S = 5000.0


@pytest.fixture(scope="module")
def clock() -> ChipClock:
    """Settled on a chip that takes sample k at ORIGIN_S + k periods."""
    clock = ChipClock(PERIOD_S)
    for n in range(400):
        edge_s = ORIGIN_S + n * 25 * PERIOD_S
        clock.add(n * 25 + n % 2, edge_s - 1e-4 + n % 2 * 1e-4, edge_s + n % 2 * 1e-4)
    assert clock.settled
    assert clock.when_s(9000) == pytest.approx(ORIGIN_S + 9000 * PERIOD_S, abs=1e-4)
    return clock


def counted(first: FirstSample, number: int, at_s: float, before_s: float, after_s: float) -> None:
    """Add the count at at_s of a FIFO that begins with sample `number`; its time is uncertain."""
    count = int(np.floor((at_s - ORIGIN_S) / PERIOD_S)) + 1
    first.add(max(count - number, 0), at_s - before_s, at_s + after_s)


@given(
    number=st.integers(8000, 12_000),
    counts=st.lists(
        st.tuples(st.floats(0, 0.3), st.floats(0, 0.02), st.floats(0, 0.02)), min_size=1
    ),
)
def test_the_number_is_right_or_not_known(
    clock: ChipClock, number: int, counts: list[tuple[float, float, float]]
) -> None:
    first = FirstSample(clock, 100)
    for since_s, before_s, after_s in counts:
        counted(first, number, ORIGIN_S + number * PERIOD_S + since_s, before_s, after_s)
        assert first.agreed
        assert number - 9 <= first.least <= number
        assert not first.known or first.least == number


def test_one_quick_count_or_several_slow_counts_suffice(clock: ChipClock) -> None:
    emptied_s = ORIGIN_S + 9000.5 * PERIOD_S
    quick, slow = FirstSample(clock, 100), FirstSample(clock, 100)
    counted(quick, 9001, emptied_s, 1e-4, 1e-4)
    assert quick.known
    # Each of these counts leaves two or three numbers.
    counted(slow, 9001, emptied_s + 0.1, 0.0, 0.007)
    assert not slow.known
    counted(slow, 9001, emptied_s + 0.2, 0.007, 0.0)
    assert slow.known
    assert slow.least == 9001


def test_a_misread_count_is_ignored(clock: ChipClock) -> None:
    emptied_s = ORIGIN_S + 9000.5 * PERIOD_S
    first = FirstSample(clock, 100)
    counted(first, 9001, emptied_s, 0.004, 0.004)
    first.add(64, emptied_s + 0.05, emptied_s + 0.0501)  # the FIFO holds ten
    assert not first.known
    for _ in range(2):
        counted(first, 9001, emptied_s + 0.1, 1e-4, 1e-4)
    assert first.known
    assert first.least == 9001


def test_the_number_is_at_least_the_next_to_deliver(clock: ChipClock) -> None:
    emptied_s = ORIGIN_S + 9000.5 * PERIOD_S
    first = FirstSample(clock, 9002)
    counted(first, 9001, emptied_s, 0.0, 0.0)
    assert first.least >= 9002
