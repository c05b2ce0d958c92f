"""Time base: resamples a stretch of samples, of any rate and with jitter, to a uniform grid.

It bridges short gaps and removes jitter. At each grid point it evaluates a windowed sinc, with a
cut-off below half of the slower rate, against aliasing and images of a slow source. Every step is
an element-wise operation or a comparison, so the bits of a grid point depend on the samples around
it and never on the blocks.
"""

import numpy as np
from numpy.typing import NDArray

from device.signal.dejitter import EDGE, Dejitter
from device.signal.kernel import Kernel
from firmware_bridge.samples import Float64

ESTIMATE_FROM = 32
"""The first samples give the source's period for the whole stretch: this many of them."""
SHORTEST_PERIOD_S = 1e-4
CUTOFF = 0.44
"""Half-gain frequency of the kernel, as a share of the slower of the two rates."""
_CROSSINGS = 8
_KERNEL = Kernel(_CROSSINGS, beta=5.65)  # passes up to 0.77 of the cut-off, 60 dB from 1.23 of it
_WEIGHTS_AT_ONCE = 1 << 15


class Timebase:
    """One stretch. Times are seconds from its first sample, strictly increasing."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._next = 0
        self._dejitter: Dejitter | None = None  # until the period is known
        self._period_s = 0.0
        self._reach_s = 0.0
        # Raw samples: all until the period is known, later only the latest.
        self._raw_t, self._raw_v = np.empty(0), np.empty((6, 0))
        # Samples without jitter, from the first that the next grid point needs.
        self._t, self._v = np.empty(0), np.empty((6, 0))

    def push(self, t_s: Float64, values: Float64) -> Float64:
        """Take t_s (n,), n > 0, and values (6, n); return the grid points (6, m) now complete."""
        t = np.concatenate([self._raw_t, t_s])
        v = np.concatenate([self._raw_v, values], axis=1)
        if self._dejitter is None and len(t) < ESTIMATE_FROM:
            self._raw_t, self._raw_v = t, v
            return np.empty((6, 0))
        self._raw_t, self._raw_v = t[-1:], v[:, -1:]
        if self._dejitter is None:
            self._dejitter = self._settle(t)
            t, v = self._bridge(t, v)
        else:
            t, v = self._bridge(t, v)
            t, v = t[1:], v[:, 1:]
        self._add(*self._dejitter.push(t, v))
        # No kernel may reach the last sample, whose weight depends on the next one.
        return self._points(self._t[-1] - self._reach_s)

    def finish(self) -> Float64:
        """Return the grid points (6, m) up to the last sample; the stretch is over."""
        if self._dejitter is None:
            t, v = self._raw_t, self._raw_v
            if len(t) <= EDGE:
                return np.empty((6, 0))
            self._dejitter = self._settle(t)
            self._add(*self._dejitter.push(*self._bridge(t, v)))
        self._add(*self._dejitter.finish())
        until_s = float(self._raw_t[-1])
        # Two more samples, one beyond every kernel, give the last sample its full weight.
        beyond = np.array([2 * self._t[-1] - self._t[-2], until_s + 2 * self._reach_s])
        self._add(beyond, np.repeat(self._v[:, -1:], 2, axis=1))
        return self._points(until_s)

    def _settle(self, t: Float64) -> Dejitter:
        self._period_s = max(float(np.median(np.diff(t[:ESTIMATE_FROM]))), SHORTEST_PERIOD_S)
        cutoff_hz = CUTOFF * min(self._rate_hz, 1 / self._period_s)
        self._reach_s = _CROSSINGS / (2 * cutoff_hz)
        return Dejitter(self._period_s)

    def _bridge(self, t: Float64, v: Float64) -> tuple[Float64, Float64]:
        """Interpolate missing samples linearly: a sinc over a hole would ring."""
        # Not finer than the grid needs: a wrong period would multiply the data.
        period_s = max(self._period_s, 1 / (4 * self._rate_hz))
        step = np.diff(t)
        hole = step > 1.5 * period_s
        if not hole.any():
            return t, v
        parts = np.where(hole, np.round(step / period_s), 1).astype(np.int64)
        left = np.repeat(np.arange(len(step)), parts)
        share = (np.arange(len(left)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[left]
        filled_t = t[left] + step[left] * share
        filled_v = v[:, left] + (v[:, left + 1] - v[:, left]) * share
        return np.append(filled_t, t[-1]), np.append(filled_v, v[:, -1:], axis=1)

    def _add(self, t: Float64, v: Float64) -> None:
        self._t = np.concatenate([self._t, t])
        self._v = np.concatenate([self._v, v], axis=1)

    def _points(self, until_s: float) -> Float64:
        # The product gives a few too many points; the comparison selects exactly.
        enough = max(self._next, int(until_s * self._rate_hz) + 2)
        grid = np.arange(self._next, enough) / self._rate_hz
        grid = grid[grid <= until_s]
        if not len(grid):
            return np.empty((6, 0))
        t = self._t
        # A sample weighs the time half-way to its neighbours. Weighted values, and the weight.
        span = (t[2:] - t[:-2]) / 2
        span = np.concatenate([[t[1] - t[0]], span, [0.0]])
        rows = np.concatenate([self._v * span, span[None]])
        # Bounds the cost of a point if the source becomes much faster than at the start.
        middle, most = np.searchsorted(t, grid), 1 + int(4 * self._reach_s / self._period_s)
        first = np.maximum(np.searchsorted(t, grid - self._reach_s), middle - most)
        stop = np.minimum(np.searchsorted(t, grid + self._reach_s, side="right"), middle + most)
        taps = int((stop - first).max())
        out = np.empty((6, len(grid)))
        at_once = max(1, _WEIGHTS_AT_ONCE // taps)
        for at in range(0, len(grid), at_once):
            part = slice(at, at + at_once)
            out[:, part] = self._weigh(grid[part], first[part], stop[part], rows)
        self._next += len(grid)
        keep = max(int(np.searchsorted(t, self._next / self._rate_hz - self._reach_s)) - 1, 0)
        self._t, self._v = t[keep:], self._v[:, keep:]
        return out

    def _weigh(
        self, grid: Float64, first: NDArray[np.intp], stop: NDArray[np.intp], rows: Float64
    ) -> Float64:
        index = first + np.arange((stop - first).max())[:, None]
        # After its stop, a point takes the last sample, which has no weight.
        index[index >= stop] = len(self._t) - 1
        place = self._t.take(index)
        place -= grid
        place *= _CROSSINGS / self._reach_s
        total = np.zeros((7, len(grid)))
        term = np.empty_like(total)
        # Tap by tap, because the order of a reduction depends on the shape of the block.
        for w, i in zip(_KERNEL(place), index, strict=True):
            np.take(rows, i, axis=1, out=term, mode="clip")
            term *= w
            total += term
        total[:6] /= total[6]
        return total[:6]
