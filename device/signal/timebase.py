"""Time base: one stretch of samples, at any rate and with jitter, onto a uniform grid.

A Kaiser-windowed sinc, low enough for the slower of the two rates, is laid over each grid point:
what the grid cannot carry is filtered out before it can fold back, and a slow source leaves no
images. Everything on the way is element by element or a comparison, so a grid point's bits depend
on the samples under its kernel and on nothing else.
"""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64

SHORTEST_PERIOD_S = 1e-4
ESTIMATE_FROM = 32
"""Samples that settle the source's period."""
CUTOFF = 0.44
"""Half-gain point of the kernel over the slower of the two rates."""
ZERO_CROSSINGS = 8
"""Of the sinc, on each side."""
KAISER_BETA = 5.65
"""60 dB: pass band up to 0.77 of the cut-off, stop band from 1.23 of it."""
_STEPS = 512  # per zero crossing: linear interpolation is then good to 2e-6
_WEIGHTS_AT_ONCE = 1 << 16


class Timebase:
    """One stretch. Times are seconds from its first sample, strictly increasing."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._period_s = 0.0  # not known yet
        self._reach_s = 0.0
        self._next = 0
        self._t = np.empty(0)
        self._v = np.empty((0, 6))

    def push(self, t_s: Float64, values: Float64) -> Float64:
        """Take t_s (n,) and values (n, 6); return the grid points (m, 6) that they complete."""
        known = len(self._t)
        self._t = np.concatenate([self._t, t_s])
        self._v = np.concatenate([self._v, values])
        if not self._period_s:
            if len(self._t) < ESTIMATE_FROM:
                return self._v[:0]
            self._settle()
            known = 1
        self._fill_holes(max(known - 1, 0))
        # A point is due when the sample after the last one under its kernel is known.
        return self._points(self._t[-1] - self._reach_s, ended=False)

    def finish(self) -> Float64:
        """Return the grid points (m, 6) up to the last sample; the stretch is over."""
        if len(self._t) < 2:
            return self._v[:0]
        if not self._period_s:
            self._settle()
            self._fill_holes(0)
        last_s = self._t[-1]
        step = last_s - self._t[-2]
        self._t = np.append(self._t, last_s + step)
        self._v = np.concatenate([self._v, self._v[-1:]])
        return self._points(last_s, ended=True)

    def _settle(self) -> None:
        median_s = float(np.median(np.diff(self._t[:ESTIMATE_FROM])))
        self._period_s = max(median_s, SHORTEST_PERIOD_S)
        cutoff_hz = CUTOFF * min(self._rate_hz, 1 / self._period_s)
        self._reach_s = ZERO_CROSSINGS / (2 * cutoff_hz)

    def _fill_holes(self, start: int) -> None:
        """Put straight lines where samples are missing: a sinc over a hole would ring."""
        # No finer than the grid needs, or a misjudged period would multiply the data.
        period_s = max(self._period_s, 1 / (4 * self._rate_hz))
        t, v = self._t[start:], self._v[start:]
        step = np.diff(t)
        if not (step > 1.5 * period_s).any():
            return
        parts = np.where(step > 1.5 * period_s, np.round(step / period_s), 1).astype(np.int64)
        left = np.repeat(np.arange(len(step)), parts)
        part = np.arange(len(left)) - np.repeat(np.cumsum(parts) - parts, parts)
        share = part / parts[left]
        t_filled = t[left] + step[left] * share
        v_filled = v[left] + (v[left + 1] - v[left]) * share[:, None]
        self._t = np.concatenate([self._t[:start], t_filled, t[-1:]])
        self._v = np.concatenate([self._v[:start], v_filled, v[-1:]])

    def _points(self, until_s: float, *, ended: bool) -> Float64:
        # Candidates by the estimate, the due ones by a comparison that knows nothing of blocks.
        stop = max(self._next, int(until_s * self._rate_hz) + 2)
        grid = np.arange(self._next, stop) / self._rate_hz
        grid = grid[grid <= until_s] if ended else grid[grid + self._reach_s < self._t[-1]]
        if not len(grid):
            return self._v[:0]
        t = self._t
        # Each sample stands for the time half-way to its neighbours, so that jitter and bursts
        # do not count twice. The last one is out of every kernel, and past the end of the source.
        span = np.empty(len(t))
        span[1:-1] = (t[2:] - t[:-2]) / 2
        span[0] = t[1] - t[0]
        span[-1] = 0
        first = np.searchsorted(t, grid - self._reach_s, side="left")
        taps = int((np.searchsorted(t, grid + self._reach_s, side="right") - first).max())
        out = np.empty((len(grid), 6))
        step = max(1, _WEIGHTS_AT_ONCE // taps)
        for at in range(0, len(grid), step):
            part = slice(at, at + step)
            out[part] = self._weigh(grid[part], first[part], taps, span)
        self._next += len(grid)
        keep = max(int(np.searchsorted(t, self._next / self._rate_hz - self._reach_s)) - 1, 0)
        self._t, self._v = t[keep:], self._v[keep:]
        return out

    def _weigh(self, grid: Float64, first: NDArray[np.int64], taps: int, span: Float64) -> Float64:
        index = np.minimum(first + np.arange(taps)[:, None], len(self._t) - 1)
        place = np.abs(self._t[index] - grid) * (_STEPS * ZERO_CROSSINGS / self._reach_s)
        place = np.minimum(place, _STEPS * ZERO_CROSSINGS)
        cell = place.astype(np.intp)
        weight = (_KERNEL[cell] + (place - cell) * _SLOPE[cell]) * span[index]
        # Summed tap by tap: a reduction's order would depend on the shape of the block.
        total = np.zeros(len(grid))
        out = np.zeros((len(grid), 6))
        for w, i in zip(weight, index, strict=True):
            total += w
            out += w[:, None] * self._v[i]
        out /= total[:, None]
        return out


def _kernel() -> Float64:
    x = np.arange(_STEPS * ZERO_CROSSINGS) / _STEPS
    taper = np.i0(KAISER_BETA * np.sqrt(1 - (x / ZERO_CROSSINGS) ** 2)) / np.i0(KAISER_BETA)
    return np.concatenate([np.sinc(x) * taper, [0.0, 0.0]])


_KERNEL = _kernel()
_SLOPE = np.append(np.diff(_KERNEL), 0.0)
