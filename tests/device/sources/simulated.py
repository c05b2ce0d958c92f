"""A chip on a bus in simulated time; what the host does late and the bus refuses is drawn."""

import errno
import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.sources.mpu.fifo import Counts
from firmware_bridge.samples import Float64
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Feed, Int64

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
    found: NDArray[np.int64] = (both - low) % 30_000 * 30_000 + low
    return found


class Simulated:
    """A port to one chip, and the host's clock."""

    def __init__(
        self, feed: Feed = numbered, *, who_am_i: int = 0x68, ppm: float = 0.0, seed: int = 1
    ) -> None:
        self.now_s = START_S
        self.late_s = 1e-4
        """Mean of how late the host wakes up."""
        self.stalls: tuple[float, float] = (0.0, 0.0)
        """Share of wake-ups, and of both sides of a read, that are held up; how long on average."""
        self.nack_share = 0.0
        self.errno = errno.EREMOTEIO
        self.wakes = 0
        self.drift = 0.0
        """By how much the chip's oscillator gains, 1/s."""
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
            # Half-way, after some bytes are gone.
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
