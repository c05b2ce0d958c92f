"""Gives times to the numbered samples of one run of the chip, from a start to the next. Pure."""

import numpy as np

from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.sample_bytes import Counts, samples
from firmware_bridge.samples import Samples


class SampleTimes:
    """Delays samples until the clock fit has settled, two or three seconds after the start."""

    def __init__(self, clock: ChipClock, origin_s: float, last_s: float | None) -> None:
        """Take the zero of times, and the time of the last sample of an earlier run."""
        self._clock, self._origin_s, self._last_s = clock, origin_s, last_s
        # Consecutive samples, with the number of the first.
        self._waiting: list[tuple[int, list[Counts]]] = []
        self._following: int | None = None
        self._next: int | None = None

    def hold(self, first: int, counts: Counts) -> None:
        """Take samples; `first` is the number of the first, counted from the chip's start."""
        if len(counts):
            if not self._waiting or first != self._following:
                self._waiting.append((first, []))
            self._waiting[-1][1].append(counts)
            self._following = first + len(counts)

    def release(self) -> list[Samples]:
        """Return the samples in as few blocks as losses allow, once the clock has settled."""
        if not self._clock.settled:
            return []
        blocks = []
        for first, parts in self._waiting:
            counts = np.concatenate(parts)
            t_s = self._clock.times_s(first, len(counts)) - self._origin_s
            # Rounded to the µs, as in a recording.
            blocks.append(samples(np.round(t_s, 6), counts, self._lost(first, float(t_s[0]))))
            self._next = first + len(counts)
        self._waiting.clear()
        return blocks

    def _lost(self, first: int, first_s: float) -> int:
        if self._next is not None:
            return first - self._next
        if self._last_s is None:
            return first
        # The number of periods since the previous run.
        return max(0, round((first_s - self._last_s) / self._clock.period_s) - 1)
