"""When on the host's clock did the device's clock show this? A fit that follows drift."""

from collections import deque
from itertools import pairwise

WINDOW_S = 64.0
"""Of device time. Long enough to average the jitter of arrivals, short enough for drift that
changes with temperature."""
_MOST = 512
_FEWEST = 8
_REFIT_S = 1.0
_JUMP_S = 1.0
_PATIENCE_S = 5.0

Point = tuple[float, float]


class ClockFit:
    """A line through (device time, host time of arrival), in seconds, of the last minute.

    A message may come late by any amount, never early. So the device's rate is taken from the
    earliest arrivals: the line below all points that has the least sum of distances to them
    (Moon, Skelly and Towsley, 1999), on which delays, however long, have no pull. How far above
    that line messages usually are is the mean of all but the very late. Whatever is the same in
    all of them, the least latency, nobody can see; it stays in the result.

    Holds at most 512 points. A clock that jumps (a reboot, a suspended host) is fitted anew.
    """

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=_MOST)
        self._rate, self._device_s, self._host_s = 1.0, 0.0, 0.0
        self._fitted_s = float("-inf")
        self._late_since_s: float | None = None

    def add(self, device_s: float, host_s: float) -> None:
        """Take in that what happened at `device_s` arrived at `host_s`."""
        if self._jumped(device_s, host_s):
            self._points.clear()
            self._fitted_s, self._late_since_s = float("-inf"), None
        self._points.append((device_s, host_s))
        while self._points[0][0] < device_s - WINDOW_S:
            self._points.popleft()
        if host_s >= self._fitted_s + _REFIT_S or len(self._points) <= 2 * _FEWEST:
            self._fitted_s = host_s
            self._fit()

    def host_s(self, device_s: float) -> float | None:
        """Return when the host's clock showed what the device's clock showed then."""
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
        # After a stall all that waited comes at once; only a clock that jumped stays late.
        if self._late_since_s is None:
            self._late_since_s = host_s
        return host_s > self._late_since_s + _PATIENCE_S

    def _fit(self) -> None:
        points = list(self._points)
        count = len(points)
        device_s = sum(x for x, _ in points) / count
        rate = _rate(points, device_s) if count >= _FEWEST else 1.0
        late = sorted(y - rate * (x - device_s) for x, y in points)
        cut = late[0] + 3 * (late[count // 2] - late[0])
        usual = [y for y in late if y <= cut]
        self._rate, self._device_s, self._host_s = rate, device_s, sum(usual) / len(usual)


def _rate(points: list[Point], middle: float) -> float:
    """Return the slope of the lower convex hull's edge over `middle`, the mean of the abscissae."""
    hull: list[Point] = []
    for x, y in points:
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2:]
            if (x2 - x1) * (y - y1) > (x - x1) * (y2 - y1):
                break
            hull.pop()
        hull.append((x, y))
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x2 >= middle and x2 > x1:
            return (y2 - y1) / (x2 - x1)
    return 1.0
