"""From a chip's start to its next: numbered samples -> blocks with times. Pure."""

import numpy as np

from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.fifo import Counts, samples
from firmware_bridge.samples import Samples


class Run:
    """Keeps samples back until the clock is settled: two or three seconds, at the start alone."""

    def __init__(self, clock: ChipClock, origin_s: float, last_s: float | None) -> None:
        """Count times from origin_s; last_s is that of the last sample of the run before."""
        self._clock, self._origin_s, self._last_s = clock, origin_s, last_s
        self._held: list[tuple[int, Counts]] = []
        self._next: int | None = None

    def hold(self, first: int, counts: Counts) -> None:
        """Take samples by the number of the first, counted from the start."""
        if len(counts):
            self._held.append((first, counts))

    def release(self) -> list[Samples]:
        """Return what is held, in as few blocks as the losses allow; nothing until it is due."""
        if not self._clock.settled:
            return []
        blocks = []
        for first, counts in _joined(self._held):
            t_s = self._clock.times_s(first, len(counts)) - self._origin_s
            # To the µs: what a recording keeps.
            blocks.append(samples(np.round(t_s, 6), counts, self._lost(first, float(t_s[0]))))
            self._next = first + len(counts)
        self._held.clear()
        return blocks

    def _lost(self, first: int, first_s: float) -> int:
        if self._next is not None:
            return first - self._next
        if self._last_s is None:
            return first
        # What it would have taken since the run before; it cannot be asked.
        return max(0, round((first_s - self._last_s) / self._clock.period_s) - 1)


def _joined(held: list[tuple[int, Counts]]) -> list[tuple[int, Counts]]:
    """Join what follows each other."""
    parts: list[tuple[int, list[Counts]]] = []
    following = None
    for first, counts in held:
        if first == following:
            parts[-1][1].append(counts)
        else:
            parts.append((first, [counts]))
        following = first + len(counts)
    return [(first, np.concatenate(several)) for first, several in parts]
