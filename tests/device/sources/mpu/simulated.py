"""A chip on a bus in simulated time, with random delays of the host and faults of the bus."""

import errno
import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.direct_reader import DirectReader
from device.sources.mpu.fifo_reader import FifoReader
from device.sources.mpu.port import bring_up
from device.sources.mpu.registers import MODELS
from device.sources.mpu.sample_bytes import Counts
from device.sources.mpu.sample_times import SampleTimes
from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Feed, Int64

Reader = FifoReader | DirectReader

START_S = 100.0
BYTE_S = 90e-6
"""At 100 kHz."""


def numbered(index: Int64, t_s: Float64) -> Float64:  # noqa: ARG001 - a Feed
    """Show the sample's number, to base 30,000, in every channel; at +-4 g and +-1000 deg/s."""
    low, both = index % 30_000, (index + index // 30_000) % 30_000
    counts = np.column_stack([low, both, low, low, both, low])
    six: Float64 = counts * np.repeat([4 / 32768, 1000 / 32768], 3)
    return six


def numbers(counts: Counts) -> NDArray[np.int64]:
    """Return the numbers of whole samples; fails on a torn one."""
    low, both = counts[:, 0].astype(np.int64), counts[:, 1].astype(np.int64)
    whole = np.column_stack([low, both, low, low, both, low])
    np.testing.assert_array_equal(counts, whole)
    number: NDArray[np.int64] = (both - low) % 30_000 * 30_000 + low
    return number


def numbers_of(acc_g: Float64, gyro_rad_s: Float64) -> NDArray[np.int64]:
    """Return the numbers of whole samples from their values; fails on a torn one."""
    counts = np.column_stack([acc_g * 8192, np.degrees(gyro_rad_s) * 32.768])
    return numbers(np.rint(counts).astype(np.int16))


class Simulated:
    """A port to one chip, and the host's clock."""

    def __init__(
        self, feed: Feed = numbered, *, who_am_i: int = 0x68, ppm: float = 0.0, seed: int = 1
    ) -> None:
        self.now_s = START_S
        self.late_s = 1e-4
        """Mean delay of the host's wake-up."""
        self.stalls: tuple[float, float] = (0.0, 0.0)
        """Share of wake-ups, and of both sides of a read, that are delayed; mean delay, s."""
        self.nack_share = 0.0
        self.errno = errno.EREMOTEIO
        self.wakes = 0
        self.drift = 0.0
        """Drift of the chip's oscillator, 1/s."""
        self.chip = Chip(feed, who_am_i=who_am_i, ppm=ppm, now_us=self._us())
        self._rng = np.random.default_rng(seed)
        self.before_read: Callable[[int], None] = lambda _: None

    def _us(self) -> int:
        ran_s = self.now_s - START_S
        return int(1e6 * (self.now_s + self.drift * ran_s**2 / 2)) if ran_s else int(1e6 * START_S)

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.wakes += 1
        self.now_s += max(seconds, 0.0) + self._rng.exponential(self.late_s)
        self._maybe_stall()

    def read(self, register: int, count: int) -> bytes:
        self.before_read(register)
        self.now_s += 2 * BYTE_S + self._rng.exponential(self.late_s / 5)
        self._maybe_stall()
        self._maybe_fail()
        assert self._answered(self.chip.write(bytes([register]), self._us()))
        if self._rng.random() < self.nack_share and count > 1:
            # Half-way, when some bytes have left the FIFO.
            self.chip.read(int(self._rng.integers(1, count)), self._us())
            self._fail()
        data = self._answered(self.chip.read(count, self._us()))
        self.now_s += count * BYTE_S
        self._maybe_stall()
        assert isinstance(data, bytes)
        return data

    def write(self, register: int, value: int) -> None:
        self.now_s += 3 * BYTE_S
        self._maybe_fail()
        self._answered(self.chip.write(bytes([register, value]), self._us()))

    def brown_out(self) -> None:
        self.chip.brown_out(self._us())

    def _maybe_stall(self) -> None:
        share, stall_s = self.stalls
        if self._rng.random() < share:
            self.now_s += self._rng.exponential(stall_s)

    def _maybe_fail(self) -> None:
        if self._rng.random() < self.nack_share:
            self._fail()

    def _answered(self, answer: bytes | bool | None) -> bytes | bool:
        if answer is None or answer is False:
            self._fail()
        assert answer is not None
        return answer

    def _fail(self) -> None:
        raise OSError(self.errno, os.strerror(self.errno))


def started(host: Simulated, reader: type[Reader] = FifoReader, rate_hz: int = 50) -> Reader:
    """Set the chip up and start to read it."""
    model = MODELS[host.chip.who_am_i]
    registers = bring_up(host, model, rate_hz, host.sleep)
    return reader(host, model, ChipClock(1 / rate_hz), registers, host.now)


def poll_on(host: Simulated, reader: Reader, seconds: float) -> None:
    end_s = host.now_s + seconds
    while host.now_s < end_s:
        host.sleep(reader.due_s() - host.now_s)
        reader.poll()


class Reading:
    """A chip read for some seconds, the first five without faults. Each loss must be counted."""

    def __init__(
        self,
        host: Simulated,
        reader_type: type[Reader],
        rate_hz: int,
        seconds: float,
        *,
        nack_share: float = 0.0,
        stalls: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self._host, self._rate_hz = host, rate_hz
        reader = started(host, reader_type, rate_hz)
        run, self.errors = SampleTimes(reader.clock, 0.0, None), 0
        blocks: list[Samples] = []
        wakes, start_s = host.wakes, host.now_s
        while host.now_s < start_s + seconds:
            if host.now_s > start_s + 5:
                host.nack_share, host.stalls = nack_share, stalls
            host.sleep(reader.due_s() - host.now_s)
            try:
                run.hold(*reader.poll())
            except OSError:
                self.errors += 1
            blocks += run.release()
        self.wakes, self.overflows = host.wakes - wakes, reader.overflows
        self.t_s = Samples.joined(blocks).t_s
        self.number = np.concatenate([numbers_of(one.acc_g, one.gyro_rad_s) for one in blocks])
        self.lost = sum(block.lost for block in blocks)
        self.settled = self.t_s > self.t_s[0] + 15
        # A gap in the numbers is exactly the loss that the block after it counts.
        starts = np.cumsum([0, *map(len, blocks)])[:-1]
        steps = np.diff(self.number, prepend=self.number[0] - blocks[0].lost - 1) - 1
        np.testing.assert_array_equal(steps[starts], [block.lost for block in blocks])
        assert not np.delete(steps, starts).any()

    @property
    def late_s(self) -> Float64:
        """Error of each sample's time."""
        assert self._host.chip._began is not None
        period_s = 1 / self._rate_hz / (1 + self._host.chip.ppm * 1e-6)
        return self.t_s - (self._host.chip._began[1] / 1e6 + self.number * period_s)

    @property
    def settled_late_s(self) -> float:
        """Largest error after the first 15 s."""
        return float(np.abs(self.late_s[self.settled]).max())
