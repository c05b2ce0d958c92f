"""Fits the chip's clock: the host's time at which the chip took sample k. Pure.

The chip gives no times. But a count of its samples shows that the last of them was taken before the
answer arrived, and the next one after the request, however late either was. So each count bounds
the line from k to time on both sides. Of all lines within all bounds, one is the earliest at
present and one the latest. The truth lies between them; the estimate is their mean.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64

WIDEST = 0.08
"""Largest relative error of the nominal period. Data sheet: 1 %, or 5 % without the PLL."""
KNOWN = 0.002
"""Largest relative error of a period measured earlier, at another temperature."""
DRIFT = 5e-6
"""Largest drift of the frequency, 1/s: 100 ppm/K (data sheet) at 3 K a minute."""
WINDOW_S = 32.0
"""Older bounds are useless with such a drift."""
_MOST = 256
_FEW = 4
_REFIT_S = 1.0
_SHARP = 0.1
"""The fit is sharp if its margin is below this share of a period."""
_STEER_S = 4.0
"""Time in which the returned times approach a changed estimate."""
_ROUNDING_S = 1e-9


class ChipClock:
    """The line. Sample 0 is the first after the start of the chip or its FIFO."""

    def __init__(self, nominal_s: float, period_s: float | None = None) -> None:
        """Start with the period nominal_s, or with period_s if an earlier run measured it."""
        self.period_s = period_s or nominal_s
        self.margin_s = np.inf
        """Half of the distance between the latest and the earliest line at present."""
        self.settled = False
        """All times so far are known to a tenth of a period, or, on a slow bus, after 4 s."""
        around, wide = (period_s, KNOWN) if period_s else (nominal_s, WIDEST)
        self._range = around * (1 - wide), around * (1 + wide)
        self._known = period_s is not None
        self._bounds: deque[tuple[int, float, float]] = deque(maxlen=_MOST)
        self._began_s = 0.0
        self._fitted_s = -np.inf
        self._zero_s = 0.0
        # The next sample after those that have a time, and its time.
        self._following: tuple[int, float] | None = None

    def add(self, count: int, before_s: float, after_s: float) -> None:
        """Add a count: at some time from before_s to after_s the chip had taken `count` samples."""
        if not self._bounds:
            self._began_s = before_s
        self._bounds.append((count, before_s, after_s))
        while self._bounds[0][2] < after_s - WINDOW_S:
            self._bounds.popleft()
        sharp = self.margin_s < _SHARP * self.period_s
        if sharp and after_s < self._fitted_s + _REFIT_S:
            return
        self._fitted_s = after_s
        if not self._fit():
            # A count was wrong or a clock jumped, so earlier bounds are void.
            self._bounds = deque(list(self._bounds)[-_FEW:], _MOST)
            self._fit()
        ran_s = after_s - self._began_s
        sharp = self.margin_s < _SHARP * self.period_s
        self.settled |= ran_s > _STEER_S or (sharp and (self._known or ran_s > 1.0))

    def when_s(self, sample: float) -> float:
        """Return the host's time of a past or future sample."""
        return self._zero_s + sample * self.period_s

    def count_at(self, host_s: float) -> int:
        """Return the number of samples that the chip has taken at a time."""
        return int(np.floor((host_s - self._zero_s) / self.period_s)) + 1

    def times_s(self, first: int, count: int) -> Float64:
        """Return the times of `count` samples, none of which had a time before.

        Times rise and never step. They approach a changed estimate in four seconds.
        """
        sample, at_s = self._following or (first, self.when_s(first))
        goal = first + round(_STEER_S / self.period_s)
        step_s = (self.when_s(goal) - at_s) / (goal - sample)
        # Even after a large error, times must neither stand still nor jump.
        step_s = float(np.clip(step_s, 0.5 * self.period_s, 2.0 * self.period_s))
        t_s: Float64 = at_s + step_s * (np.arange(first, first + count) - sample)
        self._following = first + count, at_s + step_s * (first + count - sample)
        return t_s

    def _fit(self) -> bool:
        """Fit the line; return False if no line is within all bounds."""
        counts, before_s, after_s = np.array(self._bounds).T
        present, now_s = counts[-1], after_s[-1]
        # Drift since a count widens its bounds.
        bent_s = DRIFT / 2 * (now_s - before_s) ** 2
        above = _hull(counts - 1 - present, after_s - now_s + bent_s)
        below = _hull(counts - present, now_s - before_s + bent_s) * [1, -1]
        periods, zeros = _extremes(above, below, self._range)
        if not len(periods):
            return False
        earliest, latest = zeros.argmin(), zeros.argmax()
        self.period_s = float(periods[earliest] + periods[latest]) / 2
        self.margin_s = float(zeros[latest] - zeros[earliest]) / 2
        at_s = now_s + float(zeros[earliest] + zeros[latest]) / 2
        self._zero_s = at_s - present * self.period_s
        return True


def _extremes(
    above: Float64, below: Float64, periods: tuple[float, float]
) -> tuple[Float64, Float64]:
    """Return the lines that touch two limits and cross none: their periods and times of sample 0.

    The earliest and the latest line at any time are among them. Lines must pass under the points
    `above` (n, 2) and over the points `below` (m, 2), with a slope within `periods`.
    """
    steps = above[:, None] - below
    apart = steps[..., 0] != 0
    slope = np.concatenate(
        [
            (steps[..., 1][apart]) / (steps[..., 0][apart]),
            *(np.full(len(above) + len(below), period) for period in periods),
        ]
    )
    through = np.broadcast_to(above[:, None], steps.shape)[apart]
    through = np.concatenate([through, above, below, above, below])
    zero = through[:, 1] - slope * through[:, 0]
    fits = (slope >= periods[0]) & (slope <= periods[1])
    fits &= (zero[:, None] + slope[:, None] * above[:, 0] <= above[:, 1] + _ROUNDING_S).all(axis=1)
    fits &= (zero[:, None] + slope[:, None] * below[:, 0] >= below[:, 1] - _ROUNDING_S).all(axis=1)
    return slope[fits], zero[fits]


def _hull(x: Float64, y: Float64) -> NDArray[np.float64]:
    """Return the lower convex hull (n, 2) of points that are in order of x."""
    hull: list[tuple[float, float]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        if hull and hull[-1][0] == point[0]:
            if hull[-1][1] <= point[1]:
                continue
            hull.pop()
        while len(hull) > 1 and _right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return np.array(hull)


def _right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) <= (c[0] - a[0]) * (b[1] - a[1])
