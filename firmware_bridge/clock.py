"""Converts device times to the host's clock, with a line fit that follows drift."""

from collections import deque
from itertools import pairwise

import numpy as np

from firmware_bridge.samples import Float64

WINDOW_S = 64.0
"""Device time that the fit spans: long enough to average the jitter of arrivals, short enough to
follow drift that changes with temperature."""
_MOST = 512
_FEWEST = 8
_REFIT_S = 1.0
_JUMP_S = 1.0
_PATIENCE_S = 5.0

Point = tuple[float, float]


class ClockFit:
    """A line through (device time, host time of arrival), in seconds, of the last minute.

    A message may arrive late by any amount, never early. Late messages are those far above the
    line below all points; they are left out, and the fit goes through the middle of the others.
    The mean latency is the same in all messages, so no fit can remove it from the result.

    Stores at most 512 points. After a jump (a reboot, a suspended host) the fit starts again.
    """

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=_MOST)
        self._rate, self._device_s, self._host_s = 1.0, 0.0, 0.0
        self._fitted_s = float("-inf")
        self._late_since_s: float | None = None

    def add(self, device_s: float, host_s: float) -> None:
        """Add a message that was sent at `device_s` and arrived at `host_s`."""
        if self._jumped(device_s, host_s):
            self._points.clear()
            self._fitted_s, self._late_since_s = float("-inf"), None
        self._points.append((device_s, host_s))
        while self._points[0][0] < device_s - WINDOW_S:
            self._points.popleft()
        if host_s >= self._fitted_s + _REFIT_S or len(self._points) <= 2 * _FEWEST:
            self._fitted_s = host_s
            self._fit()

    @property
    def device_ppm(self) -> float | None:
        """How much faster the device's clock runs, in ppm; None in the first half minute."""
        ran_s = self._points[-1][0] - self._points[0][0] if self._points else 0.0
        if ran_s < WINDOW_S / 2 and len(self._points) < _MOST:
            return None
        return 1e6 * (1 / self._rate - 1)

    def host_s(self, device_s: float) -> float | None:
        """Convert a device time to the host's clock; None before the first message."""
        if not self._points:
            return None
        return self._host_s + self._rate * (device_s - self._device_s)

    def _jumped(self, device_s: float, host_s: float) -> bool:
        expected_s = self.host_s(device_s)
        if expected_s is None:
            return False
        if device_s < self._points[-1][0] or host_s < expected_s - _JUMP_S:
            return True
        if host_s < expected_s + _JUMP_S:
            self._late_since_s = None
            return False
        # After a stall all waiting messages arrive together; only after a jump they stay late.
        if self._late_since_s is None:
            self._late_since_s = host_s
        return host_s > self._late_since_s + _PATIENCE_S

    def _fit(self) -> None:
        x, y = np.array(self._points).T
        self._device_s = float(x[-1])
        x -= self._device_s
        if len(x) < _FEWEST:
            self._rate, self._host_s = 1.0, float(np.median(y - x))
            return
        rate, earliest = _below(x, y)
        # Without late messages, rounding must not put the median before the earliest.
        late = np.maximum(y - earliest - rate * x, 0.0)
        usual = late <= _latest_usual(late)
        self._rate, self._host_s = _middle(x[usual], y[usual])


def _below(x: Float64, y: Float64) -> tuple[float, float]:
    """Return slope and value at 0 of the highest line (at the mean of x) below all points.

    It is the lower convex hull's edge over the mean of x (Moon, Skelly and Towsley, 1999).
    """
    hull: list[tuple[float, float]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    middle = float(x.mean())
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x2 >= middle and x2 > x1:
            rate = (y2 - y1) / (x2 - x1)
            return rate, y1 - rate * x1
    return 1.0, float((y - x).min())


def _turns_right(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) <= (c[0] - a[0]) * (b[1] - a[1])


def _latest_usual(late: Float64) -> float:
    """Return the delay above which a message is late: before a gap, or 2.5 times the median."""
    ordered = np.sort(late)
    count = len(ordered)
    median = ordered[count // 2]
    top = ordered[3 * count // 4 :]
    # Uniformly distributed delays have a gap this wide once in a thousand fits.
    wide = np.flatnonzero(np.diff(top) > (np.log(count) + 7) * 2 * median / count)
    before_gap = top[wide[0]] if len(wide) else top[-1]
    return float(min(before_gap, 2.5 * median))


def _middle(x: Float64, y: Float64) -> tuple[float, float]:
    """Return slope and value at 0 of the line through the middle of the points.

    If delays have sharp bounds on both sides, the line halfway between the bounds is several times
    more accurate than least squares. Kurtosis decides (Harter, 1974): 1.8 for a uniform spread.
    """
    centre = x.mean()
    rate = float(((x - centre) * (y - y.mean())).sum() / ((x - centre) ** 2).sum())
    off = y - y.mean() - rate * (x - centre)
    if (off**4).mean() > 2.1 * (off**2).mean() ** 2:
        return rate, float(y.mean() - rate * centre)
    low_rate, low = _below(x, y)
    high_rate, high = _below(x, -y)
    return (low_rate - high_rate) / 2, (low - high) / 2
