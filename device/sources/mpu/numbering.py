"""Which of the chip's samples is the first in its FIFO, after some were lost? Pure.

As of the time (chip_clock), nobody tells, but every count of what the FIFO holds bounds the answer
from both sides; on a machine so busy that no count is quick, several together still leave but one.
"""

import math

from device.sources.mpu.chip_clock import ChipClock

_NEAR = 0.125
"""Of a period: a sample so near to a count's moments may or may not be in it."""


class FirstSample:
    """The bounds on its number, closer with each count."""

    def __init__(self, clock: ChipClock, least: int) -> None:
        """Rely on a settled clock; the number is `least` at least."""
        self._clock, self._least = clock, least
        self._low: float = least
        self._high = math.inf
        self.agreed = True
        """The last count did not contradict those before; one that does was misread, or they."""

    def add(self, held: int, before_s: float, after_s: float) -> None:
        """Take in that some time between these two the FIFO held so many samples."""
        near_s = max(_NEAR * self._clock.period_s, self._clock.margin_s)
        low: float = max(self._clock.taken_at(before_s - near_s) - held, self._least)
        high: float = max(self._clock.taken_at(after_s + near_s) - held, self._least)
        self.agreed = max(low, self._low) <= min(high, self._high)
        if self.agreed:
            low, high = max(low, self._low), min(high, self._high)
        self._low, self._high = low, high

    @property
    def known(self) -> bool:
        """Only one number is left."""
        return self.agreed and self._low == self._high

    @property
    def least(self) -> int:
        """The smallest of those left; too small it can be put right, for samples only get lost."""
        return max(math.floor(self._low), self._least)

    def read(self, count: int) -> None:
        """Go on with the sample after so many, which were taken for the least."""
        self._low, self._high = self._low + count, self._high + count
        self._least = self.least
