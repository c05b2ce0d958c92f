"""One run of the chip, from a start to the next: numbered samples -> blocks with times. Pure."""

import numpy as np

from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.fifo import Counts, samples
from firmware_bridge.samples import Samples


class Run:
    """Holds samples back until the clock fit has settled: two or three seconds at the start."""

    def __init__(self, clock: ChipClock, origin_s: float, last_s: float | None) -> None:
        """Take the zero of times and the time of the last sample of the previous run."""
        self._clock, self._origin_s, self._last_s = clock, origin_s, last_s
        self._held: list[tuple[int, Counts]] = []
        self._next: int | None = None

    def hold(self, first: int, counts: Counts) -> None:
        """Hold samples; `first` is the number of the first one, counted from the start."""
        if len(counts):
            self._held.append((first, counts))

    def release(self) -> list[Samples]:
        """Return the held samples in as few blocks as losses allow, once the clock settled."""
        if not self._clock.settled:
            return []
        blocks = []
        for first, counts in _joined(self._held):
            t_s = self._clock.times_s(first, len(counts)) - self._origin_s
            # Rounded to the µs, as in a recording.
            blocks.append(samples(np.round(t_s, 6), counts, self._lost(first, float(t_s[0]))))
            self._next = first + len(counts)
        self._held.clear()
        return blocks

    def _lost(self, first: int, first_s: float) -> int:
        if self._next is not None:
            return first - self._next
        if self._last_s is None:
            return first
        # Samples that the chip would have taken since the previous run, by its period.
        return max(0, round((first_s - self._last_s) / self._clock.period_s) - 1)


def _joined(held: list[tuple[int, Counts]]) -> list[tuple[int, Counts]]:
    """Join parts whose numbers are consecutive."""
    parts: list[tuple[int, list[Counts]]] = []
    following = None
    for first, counts in held:
        if first == following:
            parts[-1][1].append(counts)
        else:
            parts.append((first, [counts]))
        following = first + len(counts)
    return [(first, np.concatenate(several)) for first, several in parts]
