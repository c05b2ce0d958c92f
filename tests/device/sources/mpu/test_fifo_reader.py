"""The FIFO reader with delays, misread counts and faults of the bus."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sources.mpu import registers
from device.sources.mpu.fifo_reader import FifoReader
from device.sources.mpu.port import ChipLostError
from tests.device.sources.mpu.simulated import Reading, Simulated, numbers, poll_on, started


def test_a_drifting_oscillator_is_followed() -> None:
    host = Simulated()
    host.drift = 3e-6  # 100 ppm/K, 2 K a minute
    reading = Reading(host, FifoReader, 50, 300.0)
    assert host.chip._began is not None
    # The chip's clock gains, so the host's time of a sample is earlier.
    chip_s = host.chip._began[1] / 1e6 + reading.number / 50
    host_s = 100 + (np.sqrt(1 + 2 * host.drift * (chip_s - 100)) - 1) / host.drift
    assert np.abs(reading.t_s - host_s)[reading.settled].max() < 3e-3
    assert reading.lost == 0


def test_late_reads_change_no_time() -> None:
    reading = Reading(Simulated(ppm=-9000), FifoReader, 50, 120.0, stalls=(0.1, 0.1))
    assert reading.settled_late_s < 5e-3


@pytest.mark.parametrize("slow", [registers.FIFO_COUNTH, registers.INT_STATUS, registers.FIFO_R_W])
def test_a_slow_transfer_loses_nothing_for_which_the_fifo_has_room(slow: int) -> None:
    host = Simulated(ppm=8000)
    count = 0

    def before_read(register: int) -> None:
        nonlocal count
        count += register == slow
        if register == slow and count > 60 and count % 10 == 0:
            host.now_s += 0.19  # the FIFO holds 0.42 s and is read every 0.14 s

    host.before_read = before_read
    reading = Reading(host, FifoReader, 200, 60.0)
    assert reading.overflows == reading.lost == 0


def test_one_overflow_does_not_cause_the_next_on_a_slow_bus() -> None:
    host = Simulated(ppm=8000)
    rng = np.random.default_rng(1)
    slow_from_s, stalled_s = host.now_s + 10, host.now_s + 20
    stalls = [1.0]

    def before_read(_: int) -> None:
        if host.now_s > slow_from_s:
            host.now_s += rng.uniform(0.004, 0.009)  # up to two periods
        if host.now_s > stalled_s and stalls:
            host.now_s += stalls.pop()

    host.before_read = before_read
    reading = Reading(host, FifoReader, 200, 60.0)
    assert reading.overflows == 1
    # The pause, the samples in the FIFO before it, and those during the restart.
    assert 200 < reading.lost < 200 * (1.0 + 0.16 + 0.06)


def test_many_errors_on_a_slow_bus_lose_nothing_that_is_in_the_fifo() -> None:
    host = Simulated(ppm=8000)
    rng = np.random.default_rng(2)
    storm_from_s = host.now_s + 10

    def before_read(_: int) -> None:
        host.now_s += rng.uniform(0.010, 0.016)  # as an adapter in an emulated board answers
        if host.now_s > storm_from_s and rng.random() < 0.1:
            raise OSError(host.errno, os.strerror(host.errno))

    host.before_read = before_read
    reading = Reading(host, FifoReader, 50, 120.0)
    assert reading.errors > 10
    assert reading.overflows == reading.lost == 0


@given(
    seed=st.integers(0, 2**32),
    ppm=st.floats(-40_000, 40_000),
    nack_share=st.floats(0, 0.15),
    stalled=st.floats(0, 0.1),
    rate_hz=st.sampled_from([50, 200]),
)
@settings(max_examples=15)
def test_no_torn_sample_is_delivered_whatever_fails(
    seed: int, ppm: float, nack_share: float, stalled: float, rate_hz: int
) -> None:
    host = Simulated(ppm=ppm, seed=seed)
    reader = started(host, FifoReader, rate_hz)
    end_s, last = host.now_s + 30, -1
    while host.now_s < end_s:
        if reader.clock.settled:
            host.nack_share, host.stalls = nack_share, (stalled, 1.0)
        host.sleep(reader.due_s() - host.now_s)
        try:
            first, counts = reader.poll()
        except OSError:
            continue
        except ChipLostError:
            break  # a failed write left the chip half configured: the source starts it again
        number = numbers(counts)  # fails on a torn sample
        if len(number):
            np.testing.assert_array_equal(np.diff(number), 1)
            assert number[0] > last
            # The faults begin when the clock has just settled, so a loss is counted by a rough
            # clock: it may be wrong by a sample for some of the losses, and by more after stalls
            # of a second. With a good clock the count is exact (tests above).
            assert abs(first - number[0]) <= (0.5 * rate_hz if stalled else 5)
            last = int(number[-1])


def test_rare_errors_on_the_bus_lose_little() -> None:
    reading = Reading(Simulated(ppm=7000), FifoReader, 50, 120.0, nack_share=0.02)
    assert reading.errors > 10
    assert reading.lost < 0.05 * len(reading.number)


@given(bit=st.integers(0, 15), polls=st.integers(20, 60))
def test_a_misread_count_tears_no_sample(bit: int, polls: int) -> None:
    host = Simulated()
    reader = started(host)
    read, counted, last = host.read, 0, -1

    def flipped(register: int, count: int) -> bytes:
        nonlocal counted
        data = read(register, count)
        counted += register == registers.FIFO_COUNTH
        if counted != polls or register != registers.FIFO_COUNTH:
            return data
        return (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(2, "big")

    host.read = flipped  # type: ignore[method-assign]  # a wire that flips one bit, once
    for _ in range(polls + 10):
        host.sleep(reader.due_s() - host.now_s)
        number = numbers(reader.poll()[1])  # fails on a torn sample
        assert np.all(np.diff(number, prepend=last) >= 1)
        last = int(number[-1]) if len(number) else last
    assert last > polls * 10


def test_an_overflow_before_the_rate_is_known_restarts_the_chip() -> None:
    host = Simulated()
    reader = started(host)
    host.sleep(3.0)
    with pytest.raises(ChipLostError, match="overflowed before the chip's rate was known"):
        reader.poll()


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_broken_wire_gives_no_samples(monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    """An adapter may report success without an acknowledge."""
    host = Simulated()
    reader = started(host)
    poll_on(host, reader, 5.0)
    monkeypatch.setattr(host, "read", lambda _, count: bytes([level]) * count)
    with pytest.raises(ChipLostError, match=f"holds 0x{level:02x}"):
        poll_on(host, reader, 2.0)
