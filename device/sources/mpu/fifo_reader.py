"""Reads a chip's FIFO in bursts: whole samples only, each with its number."""

import numpy as np

from device.sources.mpu import bringup, registers, sample_bytes
from device.sources.mpu.numbering import FirstSample
from device.sources.mpu.port import ChipLostError
from device.sources.mpu.reader import SILENT_S, Reader
from device.sources.mpu.sample_bytes import SAMPLE_BYTES, Counts

WAKE_S = 0.25
"""Time between bursts; a third of the FIFO's time if that is shorter."""
_SPARE = 2
"""A FIFO with room for fewer samples than this may have overflowed."""
_RETRY_S = 0.01
_PATIENT = 7 / 8
"""While more than this share of the FIFO is free, the reader waits for the first number."""


class FifoReader(Reader):
    """Reads the FIFO."""

    def _start(self) -> None:
        self._expected = {**self._expected, **bringup.expected(bringup.FIFO_RESTART)}
        self._wake_s = min(WAKE_S, self.fifo_s / 3)
        self._next = 0
        """Number of the next sample to read."""
        self._torn = False
        """The FIFO may begin within a sample."""
        self._doubted = False
        """A failed burst may have removed samples from the FIFO."""
        self._failed = self._early = False
        self._aim = 0
        self._aim_s = self._lag_s = 0.0
        # The FIFO's first sample came after the first of these moments, the sample before it not.
        self.clock.add(0, *self._emptied())
        self._first: FirstSample | None = None
        """Number of the FIFO's first sample while it is not known after a loss."""

    @property
    def fifo_s(self) -> float:
        """Time in which the FIFO fills."""
        return self._model.fifo_bytes // SAMPLE_BYTES * self.clock.period_s

    @property
    def patience_s(self) -> float:
        """Longest time of bus errors before the chip is restarted, which empties the FIFO."""
        return 0.6 * self.fifo_s

    def due_s(self) -> float:
        """Return when to poll next: just before or after a sample, which fits the clock best."""
        period_s = self.clock.period_s
        if self._failed or self._first is not None:
            # Half-way between two samples the number of samples is certain.
            soon = self.clock.count_at(self._now() + _RETRY_S)
            return self.clock.when_s(soon + 0.5)
        self._early = not self._early
        off_s = float(np.clip(self.clock.margin_s / 4, 0.0002, period_s / 4))
        too_early = self._next == self._aim
        self._aim = self._next - 1 + int(self._wake_s / period_s) + too_early
        self._aim_s = self.clock.when_s(self._aim) + (-off_s if self._early else off_s)
        return self._aim_s - self._lag_s

    def _note_lag(self, counted_s: float) -> None:
        """Learn the usual delay from the due time to the count, by the host and the bus."""
        step_s = self.clock.period_s / 200
        self._lag_s += step_s if counted_s > self._aim_s else -step_s

    def poll(self) -> tuple[int, Counts]:
        """Return the number of the first sample, counted from the start, and the samples.

        A gap between numbers counts the lost samples. Raises OSError (call again), ChipLostError.
        """
        again, self._failed = self._failed, True
        burst = self._burst(again=again)
        self._failed = False
        return burst

    def _burst(self, *, again: bool) -> tuple[int, Counts]:
        if self._torn:
            self._restart()
        self._check_sometimes()
        size, before_s, after_s = self._size()
        if self._first is None and not again:
            self._note_lag((before_s + after_s) / 2)
        count = size // SAMPLE_BYTES
        room = self._model.fifo_bytes - size
        if self._overflowed(room):
            return self._after_overflow()
        if not self._assign_number(count, room, before_s, after_s):
            return self._next, sample_bytes.from_fifo(b"")
        total = self._next + count
        if not self._plausible(size, total, before_s, after_s):
            return self._after_misfit(size, before_s, after_s)
        if not count:
            silent_s = self._now() - self._heard_s
            if silent_s > 4 * self.clock.period_s:
                self._check(silent=silent_s > SILENT_S + self._wake_s)
            self._update_clock(total, before_s, after_s)
            return self._next, sample_bytes.from_fifo(b"")
        self._doubted = True  # until the read succeeds, it may have removed any number of bytes
        data = self._port.read(registers.FIFO_R_W, count * SAMPLE_BYTES)
        self._doubted = False
        if self._now() - before_s > 0.9 * room / SAMPLE_BYTES * self.clock.period_s:
            self._torn = True  # unless the chip reports no overflow after this slow read
            if self._overflowed_since(total):
                return self._after_overflow()
            self._torn = False
        self._heard_s = after_s
        self._update_clock(total, before_s, after_s)
        self._next = total
        return total - count, sample_bytes.from_fifo(data)

    def _size(self) -> tuple[int, float, float]:
        """Return the FIFO's count in bytes, and the moments before and after the read."""
        for _ in range(2):
            before_s = self._now()
            size = int.from_bytes(self._port.read(registers.FIFO_COUNTH, 2), "big")
            after_s = self._now()
            if not size % SAMPLE_BYTES:
                break  # otherwise the chip is writing a sample, or the count is misread
        return size, before_s, after_s

    def _overflowed(self, room: int) -> bool:
        status = self._port.read(registers.INT_STATUS, 9)
        self._read_temperature(status)
        self.fifo_free = max(room, 0) / self._model.fifo_bytes
        if room < 0:
            self._check()  # more than the FIFO can hold: a fault of the chip or of a wire
        return bool(status[0] & registers.FIFO_OFLOW_INT) or room < _SPARE * SAMPLE_BYTES

    def _overflowed_since(self, total: int) -> bool:
        """Return whether the FIFO has overflowed since the last check; `total` have been read."""
        size, before_s, after_s = self._size()
        total += size // SAMPLE_BYTES
        return self._overflowed(self._model.fifo_bytes - size) or not self._plausible(
            size, total, before_s, after_s
        )

    def _assign_number(self, count: int, room: int, before_s: float, after_s: float) -> bool:
        """Give the FIFO's first sample its number, or the least; return whether to read now."""
        if self._first is None:
            return True
        self._first.add(count, before_s, after_s)
        wait = room > _PATIENT * self._model.fifo_bytes
        if not self._first.agreed or (not self._first.known and wait):
            return False
        self._next = self._first.least
        if self._first.known:
            self._first = None
        return True

    def _update_clock(self, total: int, before_s: float, after_s: float) -> None:
        # Numbers that may still be corrected are no observation for the clock.
        if self._first is None:
            self.clock.add(total, before_s, after_s)
        else:
            self._first.read(total - self._next)

    def _plausible(self, size: int, total: int, before_s: float, after_s: float) -> bool:
        """Return whether the FIFO holds whole samples, and as many as the clock predicts."""
        if self._doubted and (size % SAMPLE_BYTES or self._first is not None):
            return False  # a burst failed half-way
        if not self.clock.settled or self._first is not None:
            return not self._doubted
        # After a failed burst the limits are narrower: it may have removed a sample.
        near_s, period_s = self.clock.margin_s, self.clock.period_s
        off_s = -max(period_s / 4, near_s) if self._doubted else period_s / 2 + near_s
        earliest = self.clock.count_at(before_s - off_s)
        return earliest <= total <= self.clock.count_at(after_s + off_s)

    def _after_misfit(self, size: int, before_s: float, after_s: float) -> tuple[int, Counts]:
        """Renumber the samples by the clock; restart the FIFO only if a sample may be torn."""
        if size % SAMPLE_BYTES or not self.clock.settled:
            return self._begin_again("the FIFO does not hold what the clock predicts")
        # A failed burst may have removed whole samples only. The next counts tell how many.
        self._doubted = False
        self._first = FirstSample(self.clock, self._next)
        self._first.add(size // SAMPLE_BYTES, before_s, after_s)
        return self._next, sample_bytes.from_fifo(b"")

    def _after_overflow(self) -> tuple[int, Counts]:
        self.overflows += 1
        return self._begin_again("the FIFO overflowed")

    def _begin_again(self, reason: str) -> tuple[int, Counts]:
        if not self.clock.settled:
            raise ChipLostError(f"{reason} before the chip's rate was known")
        self._torn = True
        self._restart()
        return self._next, sample_bytes.from_fifo(b"")

    def _restart(self) -> None:
        moments = self._emptied()
        self._first = FirstSample(self.clock, self._next)
        self._first.add(0, *moments)

    def _emptied(self) -> tuple[float, float]:
        """Empty the FIFO; return the moments before and after it was enabled again."""
        *halt, fill = bringup.FIFO_RESTART
        for write in halt:
            self._port.write(write.register, write.value)
        before_s = self._now()
        self._port.write(fill.register, fill.value)
        after_s = self._now()
        self._port.read(registers.INT_STATUS, 1)  # clears the overflow bit
        self._torn = self._doubted = False
        return before_s, after_s
