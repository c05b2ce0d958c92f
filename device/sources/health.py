"""Health of a sensor: finds problems in its samples, and logs each change of them."""

import logging
from collections import deque

import numpy as np

from device.sources import Health
from firmware_bridge.samples import Float64, Samples

log = logging.getLogger(__name__)

STUCK_S = 1.0
"""An axis that is constant for this long is stuck: a working sensor has several LSB of noise."""
CLIPPED_SHARE, CLIPPED_S = 0.01, 10.0
"""Clipping: more than this share of the samples of this many seconds is at full scale."""
NO_DATA_S = 2.0
"""A live source has no data after this time without a sample."""
_AT_END = 1 - 1.5 / 32768
_LOG_AGAIN_S = 60.0


class Watcher:
    """Finds stuck and clipping axes in samples, on the samples' clock. Pure."""

    def __init__(self) -> None:
        self._last = np.full(6, np.nan)
        self._changed_s = np.full(6, -np.inf)
        self._at_s = -np.inf
        self._clipped: deque[tuple[float, int, int]] = deque()

    def push(self, samples: Samples, acc_full_scale_g: float, gyro_full_scale_rad_s: float) -> None:
        """Take a block of samples, and the full scales of the sensor."""
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
        """Present problems: `stuck`, `clipping`."""
        if not self._clipped:
            return ()
        total = sum(count for _, count, _ in self._clipped)
        clipped = sum(count for _, _, count in self._clipped)
        present = {
            "stuck": (self._at_s - self._changed_s >= STUCK_S).any(),
            "clipping": clipped > CLIPPED_SHARE * total,
        }
        return tuple(name for name in present if present[name])

    def _note_changes(self, t_s: Float64, values: Float64) -> None:
        before = np.concatenate([self._last[None], values[:-1]])
        changes = np.where(values != before, t_s[:, None], -np.inf).max(axis=0)
        self._changed_s = np.maximum(self._changed_s, changes)
        self._last, self._at_s = values[-1], float(t_s[-1])


class HealthLog:
    """Logs the problems when they change, and the same problems at most once a minute."""

    def __init__(self, name: str) -> None:
        self.seen: dict[str, None] = {}
        """All problems so far, in order of their first appearance."""
        self._name = name
        self._logged: tuple[str, ...] = ()
        self._logged_s: dict[tuple[str, ...], float] = {}

    def look(self, health: Health, now_s: float) -> None:
        """Log a change of the problems; `now_s` is on any steady clock."""
        self.seen.update(dict.fromkeys(health.problems))
        if health.problems == self._logged:
            return
        if now_s - self._logged_s.get(health.problems, -np.inf) < _LOG_AGAIN_S:
            return
        self._logged, self._logged_s[health.problems] = health.problems, now_s
        if health.problems:
            log.warning("%s: %s", self._name, ", ".join(health.problems))
        else:
            log.info("%s has no problems any more", self._name)
