"""Reads a chip's FIFO in bursts: whole samples, none torn, every one with its number."""

import time
from collections.abc import Callable

import numpy as np

from device.sources.mpu import bringup, fifo, registers
from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.fifo import SAMPLE_BYTES, Counts
from device.sources.mpu.numbering import FirstSample
from device.sources.mpu.port import ChipLostError, Port, carry_out, verify
from device.sources.mpu.registers import Model

WAKE_S = 0.25
"""Between bursts, unless the FIFO is small for the rate: a third of it."""
CHECK_S = 1.0
"""Between looks at whether the registers still hold what was written."""
_SILENT_S = 0.5
_SPARE = 2
"""Samples of room that a FIFO must have left to be believed."""
_RETRY_S = 0.01
_PATIENT = 7 / 8
"""Of a FIFO, still free: time to look again before what it holds is read."""


class FifoReader:
    """One chip, from its start or its FIFO's to its next."""

    def __init__(
        self,
        port: Port,
        model: Model,
        clock: ChipClock,
        kept: dict[int, int],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the FIFO of a chip that is set up. Raises OSError."""
        self.clock = clock
        self.temperature_c: float | None = None
        self.fifo_free: float | None = None
        self.overflows = 0
        self._port, self._model, self._now = port, model, now
        self._kept = {**kept, **bringup.must_read(bringup.FIFO_RESTART)}
        self._wake_s = min(WAKE_S, self.fifo_s / 3)
        self._next = 0
        self._torn = self._doubted = self._failed = False
        self._early = False
        self._aim = 0
        self._aim_s = self._lag_s = 0.0
        self._checked_s = self._heard_s = now()
        # The FIFO's first sample came after the first of these moments, the one before it did not.
        clock.add(0, *self._emptied())
        self._first: FirstSample | None = None

    @property
    def fifo_s(self) -> float:
        """How long it takes to fill the FIFO."""
        return self._model.fifo_bytes // SAMPLE_BYTES * self.clock.period_s

    @property
    def patience_s(self) -> float:
        """For so long the bus may fail before samples are lost that a reset would lose at once."""
        return 0.6 * self.fifo_s

    def due_s(self) -> float:
        """Return when to poll next: around the moment of a sample, which tells its time best."""
        period_s = self.clock.period_s
        if self._failed or self._first is not None:
            # Half-way between two samples nobody can be wrong about how many there were.
            soon = self.clock.taken_at(self._now() + _RETRY_S)
            return self.clock.when_s(soon + 0.5)
        self._early = not self._early
        off_s = float(np.clip(self.clock.margin_s / 4, 0.0002, period_s / 4))
        came_before_it = self._next == self._aim
        self._aim = self._next - 1 + int(self._wake_s / period_s) + came_before_it
        self._aim_s = self.clock.when_s(self._aim) + (-off_s if self._early else off_s)
        return self._aim_s - self._lag_s

    def _note_lag(self, counted_s: float) -> None:
        """Learn how long after being due a count is usually taken: waking up and the bus."""
        step_s = self.clock.period_s / 200
        self._lag_s += step_s if counted_s > self._aim_s else -step_s

    def poll(self) -> tuple[int, Counts]:
        """Return the number of the first sample, counted from the start, and the samples.

        A gap between numbers is what was lost. Raises OSError (call again) and ChipLostError.
        """
        again, self._failed = self._failed, True
        found = self._burst(again=again)
        self._failed = False
        return found

    def _burst(self, *, again: bool) -> tuple[int, Counts]:
        if self._torn:
            self._restart()
        if self._now() - self._checked_s >= CHECK_S:
            self._check()
        size, before_s, after_s = self._size()
        if self._first is None and not again:
            self._note_lag((before_s + after_s) / 2)
        count = size // SAMPLE_BYTES
        room = self._model.fifo_bytes - size
        if self._ran_over(room):
            return self._overflowed()
        if not self._numbered(count, room, before_s, after_s):
            return self._next, fifo.from_fifo(b"")
        taken = self._next + count
        if not self._plausible(size, taken, before_s, after_s):
            return self._astray(size, before_s, after_s)
        if not count:
            self._silent()
            self._tell(taken, before_s, after_s)
            return self._next, fifo.from_fifo(b"")
        self._doubted = True  # until these bytes are here, nobody knows how many are gone
        data = self._port.read(registers.FIFO_R_W, count * SAMPLE_BYTES)
        self._doubted = False
        if self._now() - before_s > 0.9 * room / SAMPLE_BYTES * self.clock.period_s:
            self._torn = True  # unless the chip says that it was held up, but not too long
            if self._ran_over_since(taken):
                return self._overflowed()
            self._torn = False
        self._heard_s = after_s
        self._tell(taken, before_s, after_s)
        self._next = taken
        return taken - count, fifo.from_fifo(data)

    def _size(self) -> tuple[int, float, float]:
        """Return what the FIFO holds, in bytes, and the moments before and after that was so."""
        for _ in range(2):
            before_s = self._now()
            size = int.from_bytes(self._port.read(registers.FIFO_COUNTH, 2), "big")
            after_s = self._now()
            if not size % SAMPLE_BYTES:
                break  # else it is in the middle of a sample, or misread
        return size, before_s, after_s

    def _ran_over(self, room: int) -> bool:
        """Ask the chip, and its temperature by the way."""
        status = self._port.read(registers.INT_STATUS, 9)
        self.temperature_c = self._model.temperature_c(
            fifo.word(status, registers.TEMP_OUT_H - registers.INT_STATUS)
        )
        self.fifo_free = max(room, 0) / self._model.fifo_bytes
        if room < 0:
            self._check()  # no FIFO holds so much: a chip, or a wire, gone mad
        return bool(status[0] & registers.FIFO_OFLOW_INT) or room < _SPARE * SAMPLE_BYTES

    def _ran_over_since(self, taken: int) -> bool:
        """Say whether it ran over since it was last asked; `taken` have been read."""
        size, before_s, after_s = self._size()
        taken += size // SAMPLE_BYTES
        return self._ran_over(self._model.fifo_bytes - size) or not self._plausible(
            size, taken, before_s, after_s
        )

    def _numbered(self, count: int, room: int, before_s: float, after_s: float) -> bool:
        """Say whether the FIFO may be read: `_next` is its first sample, or that at least."""
        if self._first is None:
            return True
        self._first.add(count, before_s, after_s)
        soon = room > _PATIENT * self._model.fifo_bytes
        if not self._first.agreed or (not self._first.known and soon):
            return False
        self._next = self._first.least
        if self._first.known:
            self._first = None
        return True

    def _tell(self, taken: int, before_s: float, after_s: float) -> None:
        """Tell the clock; not of numbers that may still be put right."""
        if self._first is None:
            self.clock.add(taken, before_s, after_s)
        else:
            self._first.read(taken - self._next)

    def _plausible(self, size: int, taken: int, before_s: float, after_s: float) -> bool:
        """Say whether the FIFO holds whole samples, and as many as time has passed for."""
        if self._doubted and (size % SAMPLE_BYTES or self._first is not None):
            return False  # a burst failed half-way
        if not self.clock.settled or self._first is not None:
            return not self._doubted
        # A burst that failed must have taken nothing with it; and a count may be misread.
        near_s, period_s = self.clock.margin_s, self.clock.period_s
        off_s = -max(period_s / 4, near_s) if self._doubted else period_s / 2 + near_s
        earliest = self.clock.taken_at(before_s - off_s)
        return earliest <= taken <= self.clock.taken_at(after_s + off_s)

    def _astray(self, size: int, before_s: float, after_s: float) -> tuple[int, Counts]:
        """Find out what the FIFO holds, by its clock; empty it only if it may be torn."""
        if size % SAMPLE_BYTES or not self.clock.settled:
            return self._begin_anew("its FIFO does not hold what it should")
        # Whole samples alone may be gone, by a burst that failed: how many, the next counts tell.
        self._doubted = False
        self._first = FirstSample(self.clock, self._next)
        self._first.add(size // SAMPLE_BYTES, before_s, after_s)
        return self._next, fifo.from_fifo(b"")

    def _overflowed(self) -> tuple[int, Counts]:
        self.overflows += 1
        return self._begin_anew("its FIFO ran over")

    def _begin_anew(self, why: str) -> tuple[int, Counts]:
        if not self.clock.settled:
            raise ChipLostError(f"{why} before its rate was known")
        self._torn = True
        self._restart()
        return self._next, fifo.from_fifo(b"")

    def _restart(self) -> None:
        moments = self._emptied()
        self._first = FirstSample(self.clock, self._next)
        self._first.add(0, *moments)

    def _emptied(self) -> tuple[float, float]:
        """Empty the FIFO; return the moments before and after it was let fill again."""
        *halt, fill = bringup.FIFO_RESTART
        carry_out(self._port, tuple(halt))
        before_s = self._now()
        carry_out(self._port, (fill,))
        after_s = self._now()
        self._port.read(registers.INT_STATUS, 1)  # clears what it said of before
        self._torn = self._doubted = False
        return before_s, after_s

    def _silent(self) -> None:
        silent_s = self._now() - self._heard_s
        if silent_s > 4 * self.clock.period_s:
            self._check()
        if silent_s > _SILENT_S + self._wake_s:
            raise ChipLostError("it takes no samples")

    def _check(self) -> None:
        verify(self._port, self._kept)
        self._checked_s = self._now()
