"""Both ways to read, against the chip model in simulated time: nothing torn, all counted, timed."""

import errno
import os
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.sources.mpu import registers
from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.direct_reader import DirectReader
from device.sources.mpu.fifo_reader import FifoReader
from device.sources.mpu.port import ChipLostError, bring_up
from device.sources.mpu.run import Run
from firmware_bridge.samples import Float64, Samples
from tests.device.sources.simulated import Simulated, numbers

Reader = type[FifoReader] | type[DirectReader]


@dataclass(frozen=True, slots=True)
class Read:
    """What came of reading."""

    t_s: Float64
    """Seconds of the host's clock."""
    number: NDArray[np.int64]
    blocks: list[Samples]
    errors: int
    wakes: int
    overflows: int

    def error_s(self, host: Simulated, rate_hz: int) -> Float64:
        """Return how late each sample is dated."""
        assert host.chip._began is not None
        period_s = 1 / rate_hz / (1 + host.chip.ppm * 1e-6)
        return self.t_s - (host.chip._began[1] / 1e6 + self.number * period_s)


def poll_on(host: Simulated, reader: FifoReader | DirectReader, seconds: float) -> None:
    end_s = host.now_s + seconds
    while host.now_s < end_s:
        host.sleep(reader.due_s() - host.now_s)
        reader.poll()


def counts_of(block: Samples) -> NDArray[np.int16]:
    lsb_rad_s = np.radians(1000 / 32768)
    both = np.column_stack([block.acc_g / (4 / 32768), block.gyro_rad_s / lsb_rad_s])
    counts: NDArray[np.int16] = np.rint(both).astype(np.int16)
    return counts


def read(
    host: Simulated,
    reader_type: Reader,
    rate_hz: int,
    seconds: float,
    *,
    nack_share: float = 0.0,
    stalls: tuple[float, float] = (0.0, 0.0),
) -> Read:
    """Read, and after five seconds make it hard."""
    model = registers.MODELS[host.chip.who_am_i]
    expected = bring_up(host, model, rate_hz, host.sleep)
    clock = ChipClock(1 / rate_hz)
    reader = reader_type(host, model, clock, expected, host.now)
    run = Run(clock, 0.0, None)
    blocks: list[Samples] = []
    errors, wakes, end_s = 0, host.wakes, host.now_s + seconds
    while host.now_s < end_s:
        if host.now_s > end_s - seconds + 5:
            host.nack_share, host.stalls = nack_share, stalls
        host.sleep(reader.due_s() - host.now_s)
        try:
            run.hold(*reader.poll())
        except OSError:
            errors += 1
        blocks += run.release()
    assert blocks
    return Read(
        np.concatenate([block.t_s for block in blocks]),
        np.concatenate([numbers(counts_of(block)) for block in blocks]),
        blocks,
        errors,
        host.wakes - wakes,
        reader.overflows,
    )


def assert_all_is_counted(found: Read) -> None:
    """Every hole in the numbers is exactly what the block after it says is lost."""
    following = found.number[0] - found.blocks[0].lost
    for block in found.blocks:
        number = numbers(counts_of(block))
        assert number[0] - following == block.lost
        np.testing.assert_array_equal(np.diff(number), 1)
        following = number[-1] + 1


@pytest.mark.parametrize("ppm", [0, 20_000, -20_000])
@pytest.mark.parametrize("rate_hz", [50, 100, 200])
@pytest.mark.parametrize("who_am_i", [0x68, 0x70])
def test_every_sample_comes_and_has_its_time(who_am_i: int, rate_hz: int, ppm: float) -> None:
    host = Simulated(who_am_i=who_am_i, ppm=ppm)
    found = read(host, FifoReader, rate_hz, 60.0)
    assert_all_is_counted(found)
    assert sum(block.lost for block in found.blocks) == 0
    assert len(found.number) > 59 * rate_hz * (1 + ppm * 1e-6)
    late_s = found.error_s(host, rate_hz)
    steps_s = np.diff(found.t_s)
    period_s = 1 / rate_hz / (1 + ppm * 1e-6)
    assert np.abs(late_s).max() < 1.5 / rate_hz  # from the very start
    settled = found.t_s > found.t_s[0] + 15
    assert np.abs(late_s[settled]).max() < 1e-3
    assert np.std(steps_s[settled[1:]]) < 2e-6
    assert np.abs(steps_s - period_s).max() < 0.02 * period_s
    if rate_hz == 50:
        assert found.wakes / 60 <= 5


@pytest.mark.parametrize("ppm", [0, 20_000, -20_000])
@pytest.mark.parametrize("rate_hz", [50, 100])
def test_so_it_does_without_the_fifo(rate_hz: int, ppm: float) -> None:
    host = Simulated(ppm=ppm)
    found = read(host, DirectReader, rate_hz, 30.0)
    assert_all_is_counted(found)
    assert sum(block.lost for block in found.blocks) == 0
    late_s = found.error_s(host, rate_hz)
    settled = found.t_s > found.t_s[0] + 15
    assert np.abs(late_s[settled]).max() < 4e-3
    assert np.std(np.diff(found.t_s)[settled[1:]]) < 20e-6


def test_an_oscillator_that_warms_up_is_followed() -> None:
    host = Simulated()
    host.drift = 3e-6  # 100 ppm/K, 2 K a minute
    found = read(host, FifoReader, 50, 300.0)
    assert host.chip._began is not None
    # When the chip's clock says so, the host's says less.
    chip_s = host.chip._began[1] / 1e6 + found.number / 50
    host_s = 100 + (np.sqrt(1 + 2 * host.drift * (chip_s - 100)) - 1) / host.drift
    settled = found.t_s > found.t_s[0] + 15
    assert np.abs(found.t_s - host_s)[settled].max() < 3e-3
    assert sum(block.lost for block in found.blocks) == 0


def test_late_reads_cost_nothing_and_move_no_time() -> None:
    host = Simulated(ppm=-9000)
    found = read(host, FifoReader, 50, 120.0, stalls=(0.1, 0.1))
    assert_all_is_counted(found)
    settled = found.t_s > found.t_s[0] + 15
    assert np.abs(found.error_s(host, 50)[settled]).max() < 5e-3


@pytest.mark.parametrize("rate_hz", [50, 100])
def test_nor_is_a_sample_taken_for_another_on_a_busy_machine(rate_hz: int) -> None:
    host = Simulated(ppm=8000)
    found = read(host, DirectReader, rate_hz, 60.0, stalls=(0.01, 0.02))
    assert_all_is_counted(found)
    assert 0 < sum(block.lost for block in found.blocks) < 0.2 * len(found.number)
    settled = found.t_s > found.t_s[0] + 15
    assert np.abs(found.error_s(host, rate_hz)[settled]).max() < 5e-3


@pytest.mark.parametrize("reader_type", [FifoReader, DirectReader])
def test_what_a_stall_loses_is_counted_exactly(reader_type: Reader) -> None:
    host = Simulated(ppm=15_000)
    found = read(host, reader_type, 50, 300.0, stalls=(0.01, 5.0))
    assert_all_is_counted(found)
    assert sum(block.lost for block in found.blocks) > 250
    assert np.all(np.diff(found.t_s) > 0)
    assert (found.overflows > 0) == (reader_type is FifoReader)


@pytest.mark.parametrize(
    "held_up", [registers.FIFO_COUNTH, registers.INT_STATUS, registers.FIFO_R_W]
)
def test_a_transfer_that_is_held_up_loses_nothing_the_fifo_had_room_for(held_up: int) -> None:
    host = Simulated(ppm=8000)
    asked = 0

    def before_read(register: int) -> None:
        nonlocal asked
        asked += register == held_up
        if register == held_up and asked > 60 and asked % 10 == 0:
            host.now_s += 0.19  # the FIFO holds 0.42 s and is read every 0.14 s

    host.before_read = before_read
    found = read(host, FifoReader, 200, 60.0)
    assert_all_is_counted(found)
    assert found.overflows == sum(block.lost for block in found.blocks) == 0


def test_one_overflow_does_not_lead_to_the_next_on_a_bus_that_answers_late() -> None:
    host = Simulated(ppm=8000)
    rng = np.random.default_rng(1)
    slow_from_s, stalled_s = host.now_s + 10, host.now_s + 20
    stalls = [1.0]

    def before_read(_: int) -> None:
        if host.now_s > slow_from_s:
            host.now_s += rng.uniform(0.004, 0.009)  # up to two samples' time
        if host.now_s > stalled_s and stalls:
            host.now_s += stalls.pop()

    host.before_read = before_read
    found = read(host, FifoReader, 200, 60.0)
    assert_all_is_counted(found)
    assert found.overflows == 1
    # The pause, what was in the FIFO before it, and what came while it was emptied.
    assert 200 < sum(block.lost for block in found.blocks) < 200 * (1.0 + 0.16 + 0.06)


def test_a_storm_on_a_slow_bus_costs_nothing_that_the_fifo_has_kept() -> None:
    host = Simulated(ppm=8000)
    rng = np.random.default_rng(2)
    storm_from_s = host.now_s + 10

    def before_read(_: int) -> None:
        host.now_s += rng.uniform(0.010, 0.016)  # as an adapter in an emulated board answers
        if host.now_s > storm_from_s and rng.random() < 0.1:
            raise OSError(host.errno, os.strerror(host.errno))

    host.before_read = before_read
    found = read(host, FifoReader, 50, 120.0)
    assert found.errors > 10
    assert_all_is_counted(found)
    assert found.overflows == sum(block.lost for block in found.blocks) == 0


@given(
    seed=st.integers(0, 2**32),
    ppm=st.floats(-40_000, 40_000),
    nack_share=st.floats(0, 0.15),
    stalled=st.floats(0, 0.1),
    rate_hz=st.sampled_from([50, 200]),
)
@settings(max_examples=15)
def test_nothing_torn_is_delivered_whatever_fails(
    seed: int, ppm: float, nack_share: float, stalled: float, rate_hz: int
) -> None:
    host = Simulated(ppm=ppm, seed=seed)
    model = registers.MODELS[0x68]
    expected = bring_up(host, model, rate_hz, host.sleep)
    clock = ChipClock(1 / rate_hz)
    reader = FifoReader(host, model, clock, expected, host.now)
    end_s, last = host.now_s + 30, -1
    while host.now_s < end_s:
        if clock.settled:
            host.nack_share, host.stalls = nack_share, (stalled, 1.0)
        host.sleep(reader.due_s() - host.now_s)
        try:
            first, counts = reader.poll()
        except OSError:
            continue
        except ChipLostError:
            break  # half-configured by a failed write; it begins anew
        found = numbers(counts)  # fails on a torn one
        if len(found):
            np.testing.assert_array_equal(np.diff(found), 1)
            assert found[0] > last
            # The bus fails from the moment its clock is settled, so a hole's samples are counted by
            # a clock that is hardly known: a sample more or less after some of the holes,
            # and more where it is held up for a second at a time, too. Known, exactly (above).
            assert abs(first - found[0]) <= (0.5 * rate_hz if stalled else 5)
            last = int(found[-1])


@pytest.mark.parametrize("number", [errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.EAGAIN])
def test_a_bus_that_fails_now_and_then_costs_little_and_all_is_counted(number: int) -> None:
    host = Simulated(ppm=7000)
    host.errno = number
    found = read(host, FifoReader, 50, 120.0, nack_share=0.02)
    assert found.errors > 10
    assert_all_is_counted(found)
    assert sum(block.lost for block in found.blocks) < 0.05 * len(found.number)


def test_a_brown_out_is_noticed_within_a_second() -> None:
    for who_am_i, reader_type in ((0x68, FifoReader), (0x70, FifoReader), (0x71, DirectReader)):
        host = Simulated(who_am_i=who_am_i)
        model = registers.MODELS[who_am_i]
        expected = bring_up(host, model, 50, host.sleep)
        reader = reader_type(host, model, ChipClock(1 / 50), expected, host.now)
        poll_on(host, reader, 5.0)
        host.brown_out()
        failed_s = host.now_s
        with pytest.raises(ChipLostError, match="0x"):
            poll_on(host, reader, 3.0)
        assert host.now_s < failed_s + 1.5


@given(bit=st.integers(0, 15), polls=st.integers(20, 60))
def test_a_misread_count_tears_nothing(bit: int, polls: int) -> None:
    host = Simulated()
    expected = bring_up(host, registers.MODELS[0x68], 50, host.sleep)
    reader = FifoReader(host, registers.MODELS[0x68], ChipClock(1 / 50), expected, host.now)
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
        _, counts = reader.poll()
        found = numbers(counts)  # fails on a torn one
        assert np.all(np.diff(np.concatenate([[last], found])) >= 1)
        last = int(found[-1]) if len(found) else last
    assert last > polls * 10


def test_a_fifo_that_runs_over_at_once_begins_anew() -> None:
    host = Simulated()
    expected = bring_up(host, registers.MODELS[0x68], 50, host.sleep)
    reader = FifoReader(host, registers.MODELS[0x68], ChipClock(1 / 50), expected, host.now)
    host.sleep(3.0)
    with pytest.raises(ChipLostError, match="before the chip.s rate was known"):
        reader.poll()


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_wire_that_broke_is_not_taken_for_samples(
    monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    """An adapter that sees no acknowledge may still say that all went well."""
    host = Simulated()
    expected = bring_up(host, registers.MODELS[0x68], 50, host.sleep)
    reader = FifoReader(host, registers.MODELS[0x68], ChipClock(1 / 50), expected, host.now)
    poll_on(host, reader, 5.0)
    monkeypatch.setattr(host, "read", lambda _, count: bytes([level]) * count)
    with pytest.raises(ChipLostError, match=f"holds 0x{level:02x}"):
        poll_on(host, reader, 2.0)


def test_a_chip_that_does_not_keep_what_is_written_is_refused() -> None:
    host = Simulated()
    written = host.write

    def write(register: int, value: int) -> None:
        written(register, 0 if register == registers.ACCEL_CONFIG else value)

    host.write = write  # type: ignore[method-assign]  # a wire that drops bits
    with pytest.raises(ChipLostError, match="0x1c holds 0x00 where 0x08"):
        bring_up(host, registers.MODELS[0x68], 50, host.sleep)


def test_the_temperature_is_the_chips() -> None:
    for who_am_i in (0x68, 0x71):
        host = Simulated(who_am_i=who_am_i)
        host.chip.temperature_c = 33.4
        model = registers.MODELS[who_am_i]
        expected = bring_up(host, model, 50, host.sleep)
        for reader_type in (FifoReader, DirectReader):
            reader = reader_type(host, model, ChipClock(1 / 50), expected, host.now)
            poll_on(host, reader, 1.0)
            assert reader.temperature_c == pytest.approx(33.4, abs=0.01)
