"""Whether a sensor is well: what its samples tell, and a log that says so without flooding."""

import logging
from collections import deque

import numpy as np

from device.sources import Health
from firmware_bridge.samples import Float64, Samples

log = logging.getLogger(__name__)

STUCK_S = 1.0
"""An axis that gives one value for so long: a sensor's noise, several LSB, never lets it."""
CLIPPED_SHARE, CLIPPED_S = 0.01, 10.0
"""More than this share of the last so many seconds at the end of scale."""
NO_DATA_S = 2.0
"""Without a sample for so long a live source has no data."""
_AT_END = 1 - 1.5 / 32768
_SAY_AGAIN_S = 60.0


class Watcher:
    """Finds stuck and clipping axes in samples, by their own clock. Pure."""

    def __init__(self) -> None:
        self._last = np.full(6, np.nan)
        self._changed_s = np.full(6, -np.inf)
        self._at_s = -np.inf
        self._clipped: deque[tuple[float, int, int]] = deque()

    def push(self, samples: Samples, acc_full_scale_g: float, gyro_full_scale_rad_s: float) -> None:
        """Take a block of samples that a sensor with these full scales gave."""
        if not len(samples):
            return
        values = np.column_stack((samples.acc_g, samples.gyro_rad_s))
        self._note_changes(samples.t_s, values)
        limits = np.repeat([acc_full_scale_g, gyro_full_scale_rad_s], 3) * _AT_END
        clipped = int((np.abs(values) >= limits).any(axis=1).sum())
        self._clipped.append((self._at_s, len(values), clipped))
        while self._clipped[0][0] < self._at_s - CLIPPED_S:
            self._clipped.popleft()

    @property
    def problems(self) -> tuple[str, ...]:
        """`stuck` and `clipping`, where it is so."""
        if not self._clipped:
            return ()
        taken = sum(count for _, count, _ in self._clipped)
        clipped = sum(count for _, _, count in self._clipped)
        found = []
        if (self._at_s - self._changed_s >= STUCK_S).any():
            found.append("stuck")
        if clipped > CLIPPED_SHARE * taken:
            found.append("clipping")
        return tuple(found)

    def _note_changes(self, t_s: Float64, values: Float64) -> None:
        before = np.concatenate([self._last[None], values[:-1]])
        changes = np.where(values != before, t_s[:, None], -np.inf).max(axis=0)
        self._changed_s = np.maximum(self._changed_s, changes)
        self._last, self._at_s = values[-1], float(t_s[-1])


class HealthLog:
    """One line when the problems have changed, at most one a minute for what comes and goes."""

    def __init__(self, name: str) -> None:
        self.seen: dict[str, None] = {}
        """Problems, in order of their first appearance."""
        self._name = name
        self._said: tuple[str, ...] = ()
        self._told_s: dict[tuple[str, ...], float] = {}

    def look(self, health: Health, now_s: float) -> None:
        """Say what is new."""
        self.seen.update(dict.fromkeys(health.problems))
        if health.problems == self._said:
            return
        if now_s - self._told_s.get(health.problems, -np.inf) < _SAY_AGAIN_S:
            return
        self._said, self._told_s[health.problems] = health.problems, now_s
        if health.problems:
            log.warning("%s: %s", self._name, ", ".join(health.problems))
        else:
            log.info("%s is well again", self._name)
