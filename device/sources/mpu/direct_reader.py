"""Reads each sample from the chip's registers as it is taken, for buses without long transfers."""

import time
from collections.abc import Callable

from device.sources.mpu import fifo, registers
from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.fifo import BURST_BYTES, Counts
from device.sources.mpu.fifo_reader import CHECK_S
from device.sources.mpu.port import ChipLostError, Port, verify
from device.sources.mpu.registers import Model

LEARN_S = 4.0
"""At first each sample is waited for, eight looks a period, to learn when they come."""
EARLY_S = 0.25
"""Later, so often one is asked for early, to learn when it is not there yet."""
_TELL_S = 0.09
"""Between samples whose moments the clock is told; more would not make it better."""
_FEW = 20
"""Samples missed that can be counted by a rate that is only known to 2 %."""
_SILENT_S = 0.5


class DirectReader:
    """One chip, from its start to its next."""

    overflows = 0
    patience_s = 0.2

    def __init__(
        self,
        port: Port,
        model: Model,
        clock: ChipClock,
        kept: dict[int, int],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a chip that is set up. Raises OSError."""
        self.clock = clock
        self.temperature_c: float | None = None
        self.fifo_free: float | None = None
        self._port, self._model, self._kept, self._now = port, model, kept, now
        self._taken = 0
        self._waiting = True
        self._narrowest_s = float("inf")
        """How well a sample was ever seen to come: from before it was not there to after it was."""
        self._not_yet: tuple[float, float] | None = None
        self._began_s = self._checked_s = self._early_s = now()
        # When the sample numbered last came, and when one did at all.
        self._came_s = self._heard_s = self._told_s = self._began_s
        port.write(registers.INT_ENABLE, registers.DATA_RDY_INT)  # so that its status is set
        port.read(registers.INT_STATUS, 1)  # clears what it said of before
        clock.add(0, self._began_s, now())

    def due_s(self) -> float:
        """Return when to poll next: when the next sample is there; until that is known, soon."""
        period_s = self.clock.period_s
        if self._waiting or not self.clock.settled or self._now() < self._began_s + LEARN_S:
            return self._now() + period_s / 8
        edge_s = self.clock.when_s(self._taken)
        off_s = min(max(self.clock.margin_s, 0.0003), period_s / 8)
        if edge_s < self._early_s + EARLY_S:
            return edge_s + off_s
        self._early_s, self._waiting = edge_s, True
        return edge_s - max(off_s, period_s / 16)

    def poll(self) -> tuple[int, Counts]:
        """Return the sample's number and the sample, if there is a new one.

        A gap between numbers is what was lost. Raises OSError (call again) and ChipLostError.
        """
        if self._now() - self._checked_s >= CHECK_S:
            verify(self._port, self._kept)
            self._checked_s = self._now()
        before_s = self._now()
        data = self._port.read(registers.INT_STATUS, BURST_BYTES)
        after_s = self._now()
        if not data[0] & registers.DATA_RDY_INT:
            if before_s - self._heard_s > _SILENT_S:
                verify(self._port, self._kept)
                raise ChipLostError("it takes no samples")
            self._waiting, self._not_yet = True, (before_s, after_s)
            return self._taken, fifo.from_fifo(b"")
        self._heard_s = after_s
        if self._counted(before_s, after_s):
            self.temperature_c = self._model.temperature_c(
                fifo.word(data, registers.TEMP_OUT_H - registers.INT_STATUS)
            )
            return self._taken - 1, fifo.from_burst(data)
        return self._taken, fifo.from_fifo(b"")

    def _counted(self, before_s: float, after_s: float) -> bool:
        """Give the sample just read its number; False if nobody can know how many came before it.

        That there is a new one does not say how many there were. On time it is the next one. After
        a pause only one that was seen to come tells, by its moment, how many were missed.
        Raises ChipLostError.
        """
        period_s = self.clock.period_s
        since_s = self._not_yet[0] if self._not_yet is not None else -float("inf")
        self._narrowest_s = min(after_s - since_s, self._narrowest_s)
        seen = after_s - since_s < min(max(period_s / 2, 1.2 * self._narrowest_s), period_s)
        came_s = (since_s + after_s) / 2 if seen else before_s
        # By the clock where it knows: the one before may have been read long after it came.
        due_s = self.clock.when_s(self._taken) if self.clock.settled else self._came_s + period_s
        # Wherever the time went, in the end the next one may have been there too.
        late = self._taken > 0 and after_s > due_s + 0.9 * period_s
        if late and not seen:
            self._waiting, self._not_yet = True, None
            return False
        missed = max(0, round((came_s - due_s) / period_s)) if late else 0
        if missed > _FEW and not self.clock.settled:
            raise ChipLostError("held up before its rate was known")
        tells = came_s - self._told_s > _TELL_S
        if self._not_yet is not None and tells:
            self.clock.add(self._taken + missed, *self._not_yet)
        self._taken += missed + 1
        if self._waiting and tells:
            self.clock.add(self._taken, before_s, after_s)
            self._told_s = came_s
        self._waiting, self._not_yet, self._came_s = False, None, came_s
        return True
