"""Screen: passes plausible samples in order of time to the signal path, and counts the others."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64, Samples

MAX_ACC_G = 32.0
"""Twice the largest full scale of the MPU family."""
MAX_GYRO_RAD_S = 70.0
"""Twice 2000 deg/s."""
MAX_TIME_S = 1e10
"""Largest plausible time; below it float64 resolves 2 us."""
SLOTS_PER_S = 10_000
"""At most one sample per slot passes, which bounds the cost of a dense stream."""


class Screen:
    """Drops samples that no sensor can give. `counts`: passed, lost, and dropped by reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(
            samples=0, lost=0, not_finite=0, implausible=0, repeated=0, backward=0
        )
        self._slot = -np.inf
        self._missing = 0

    def push(self, samples: Samples) -> tuple[Float64, Float64, NDArray[np.int64]]:
        """Return the samples that pass: t_s (n,), acc and gyro (6, n), missing before each (n,)."""
        t_s = np.asarray(samples.t_s, dtype=np.float64)
        values = np.empty((6, len(t_s)))
        values[:3] = samples.acc_g.T
        values[3:] = samples.gyro_rad_s.T
        size = np.abs(values)
        finite = np.isfinite(t_s) & (size < np.inf).all(axis=0)
        good = (
            finite
            & (np.abs(t_s) <= MAX_TIME_S)
            & (size[:3] <= MAX_ACC_G).all(axis=0)
            & (size[3:] <= MAX_GYRO_RAD_S).all(axis=0)
        )
        # A dropped sample counts as missing before the next one, as if the line had lost it.
        missing = self._missing + samples.lost + np.cumsum(~good)
        where = np.flatnonzero(good)
        slot = np.floor(t_s[where] * SLOTS_PER_S)
        latest = np.maximum.accumulate(np.concatenate([[self._slot], slot]))
        fresh = slot > latest[:-1]
        passed = where[fresh]
        self._slot = latest[-1]

        before = np.diff(missing[passed], prepend=0)
        total = self._missing + samples.lost + len(t_s) - len(where)
        self._missing = total - int(before.sum())
        self.counts.update(
            samples=len(passed),
            lost=samples.lost,
            not_finite=int((~finite).sum()),
            implausible=int((finite & ~good).sum()),
            repeated=int((slot == latest[:-1]).sum()),
            backward=int((slot < latest[:-1]).sum()),
        )
        return t_s[passed], values[:, passed], before
