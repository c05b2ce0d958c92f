"""Finds the number of the first sample in the FIFO after a loss. Pure.

The chip does not number its samples. But each count of the FIFO, together with the clock fit
(chip_clock), gives a lower and an upper bound. On a busy machine, where no count is quick, several
counts together leave one number.
"""

import math

from device.sources.mpu.chip_clock import ChipClock

_NEAR = 0.125
"""A sample within this share of a period of a count's moments may or may not be counted."""


class FirstSample:
    """Bounds on the first sample's number; each count narrows them."""

    def __init__(self, clock: ChipClock, least: int) -> None:
        """Take a settled clock and the least number."""
        self._clock, self._least = clock, least
        self._low: float = least
        self._high = math.inf
        self.agreed = True
        """False if the last count contradicts the counts before: one of them was misread."""

    def add(self, count: int, before_s: float, after_s: float) -> None:
        """Take a count of the FIFO's samples, made between these two times."""
        near_s = max(_NEAR * self._clock.period_s, self._clock.margin_s)
        low: float = max(self._clock.count_at(before_s - near_s) - count, self._least)
        high: float = max(self._clock.count_at(after_s + near_s) - count, self._least)
        self.agreed = max(low, self._low) <= min(high, self._high)
        if self.agreed:
            low, high = max(low, self._low), min(high, self._high)
        self._low, self._high = low, high

    @property
    def known(self) -> bool:
        """Whether only one number is left."""
        return self.agreed and self._low == self._high

    @property
    def least(self) -> int:
        """The smallest number left. If it is too small, later counts can still raise it."""
        return max(math.floor(self._low), self._least)

    def read(self, count: int) -> None:
        """Continue after `count` samples were read and numbered from `least` on."""
        self._low, self._high = self._low + count, self._high + count
        self._least = self.least
