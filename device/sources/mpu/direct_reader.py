"""Reads each sample from the chip's registers in time, for buses without long transfers."""

import math

from device.sources.mpu import registers, sample_bytes
from device.sources.mpu.port import ChipLostError
from device.sources.mpu.reader import SILENT_S, Reader
from device.sources.mpu.sample_bytes import BURST_BYTES, Counts

LEARN_S = 4.0
"""During this first time the reader polls eight times a period, to learn when samples come."""
EARLY_S = 0.25
"""Later, the reader polls early after each such time, to learn when a sample is not there yet."""
_CLOCK_S = 0.09
"""Shortest time between two observations for the clock; more would not improve the fit."""
_FEW = 20
"""Missed samples that a rate known to 2 % can still count."""


class DirectReader(Reader):
    """Reads sample by sample."""

    patience_s = 0.2

    def _start(self) -> None:
        self._count = 0
        self._waiting = True
        self._narrowest_s = math.inf
        """Shortest time between the polls before and after the arrival of a sample."""
        self._not_yet: tuple[float, float] | None = None
        """Moments before and after the last poll without a new sample."""
        self._began_s = self._early_s = self._heard_s
        # When the last numbered sample came, and when the clock last took one.
        self._came_s = self._clocked_s = self._began_s
        self._port.write(registers.INT_ENABLE, registers.DATA_RDY_INT)  # sets the bit in INT_STATUS
        self._port.read(registers.INT_STATUS, 1)  # clears what it held before
        self.clock.add(0, self._began_s, self._now())

    def due_s(self) -> float:
        """Return when to poll next: at the next sample; soon if its time is not known yet."""
        period_s = self.clock.period_s
        if self._waiting or not self.clock.settled or self._now() < self._began_s + LEARN_S:
            return self._now() + period_s / 8
        edge_s = self.clock.when_s(self._count)
        off_s = min(max(self.clock.margin_s, 0.0003), period_s / 8)
        if edge_s < self._early_s + EARLY_S:
            return edge_s + off_s
        self._early_s, self._waiting = edge_s, True
        return edge_s - max(off_s, period_s / 16)

    def poll(self) -> tuple[int, Counts]:
        """Return the sample's number and the sample, if there is a new one.

        A gap between numbers counts the lost samples. Raises OSError (call again), ChipLostError.
        """
        self._check_sometimes()
        before_s = self._now()
        data = self._port.read(registers.INT_STATUS, BURST_BYTES)
        after_s = self._now()
        if not data[0] & registers.DATA_RDY_INT:
            if before_s - self._heard_s > SILENT_S:
                self._check(silent=True)
            self._waiting, self._not_yet = True, (before_s, after_s)
            return self._count, sample_bytes.from_fifo(b"")
        self._heard_s = after_s
        if self._assign_number(before_s, after_s):
            self._read_temperature(data)
            return self._count - 1, sample_bytes.from_burst(data)
        return self._count, sample_bytes.from_fifo(b"")

    def _assign_number(self, before_s: float, after_s: float) -> bool:
        """Give the sample just read a number; return False if no number is certain.

        The status tells that there is a new sample, but not how many there were. On time, it is the
        next sample. After a pause, the count of missed samples follows from the moment at which a
        sample arrived, which is known only if the poll before saw none. Raises ChipLostError.
        """
        period_s = self.clock.period_s
        since_s = self._not_yet[0] if self._not_yet is not None else -math.inf
        self._narrowest_s = min(after_s - since_s, self._narrowest_s)
        seen = after_s - since_s < min(max(period_s / 2, 1.2 * self._narrowest_s), period_s)
        came_s = (since_s + after_s) / 2 if seen else before_s
        # From the clock if it is settled: the sample before may have been read late.
        due_s = self.clock.when_s(self._count) if self.clock.settled else self._came_s + period_s
        # So late that the sample after the expected one may have been there too.
        late = self._count > 0 and after_s > due_s + 0.9 * period_s
        if late and not seen:
            self._waiting, self._not_yet = True, None
            return False
        missed = max(0, round((came_s - due_s) / period_s)) if late else 0
        if missed > _FEW and not self.clock.settled:
            raise ChipLostError("reading was delayed before the chip's rate was known")
        observe = came_s - self._clocked_s > _CLOCK_S
        if self._not_yet is not None and observe:
            self.clock.add(self._count + missed, *self._not_yet)
        self._count += missed + 1
        if self._waiting and observe:
            self.clock.add(self._count, before_s, after_s)
            self._clocked_s = came_s
        self._waiting, self._not_yet, self._came_s = False, None, came_s
        return True
