"""When on the host's clock did the chip take its k-th sample? Pure.

Nobody tells; but whoever asks how many samples there are learns that the last of them was taken
before the answer came and the next one after the question was put, however late either was. Every
question so bounds the line k -> time from both sides, and the fit is the line that keeps farthest
from all bounds. That holds for a read that was held up for a second as for one that was not.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from firmware_bridge.samples import Float64

WINDOW_S = 32.0
"""Long enough for a period to a few ppm, short enough for a chip that warms up (100 ppm/K)."""
WIDEST = 0.08
"""How far a period may be from its nominal value. Data sheet: 1 %, or 5 % without its PLL."""
_DRIFT = 5e-4
"""Of a period that is known, from one fit to the next."""
_MOST = 256
_REFIT_S = 1.0
_OFTEN = 24
"""Bounds, at first, that are each fitted at once."""
_SHARP = 0.1
_IMPOSSIBLE = 0.25
"""Of a period: bounds that contradict each other by more are not those of one line."""
_FEW = 4
_STEER_S = 4.0
"""The times given out bend toward the fit over so long."""
_GOLDEN = (5**0.5 - 1) / 2
_STEPS = 36


class ChipClock:
    """The line, from the sample after the chip's (or its FIFO's) start, which is sample 0."""

    def __init__(self, nominal_s: float, period_s: float | None = None) -> None:
        """Begin with the period nominal_s, or period_s where that is known from before."""
        self.period_s = period_s or nominal_s
        self.margin_s = np.inf
        """The line may be off by this much and still keep within all bounds."""
        self._nominal_s = nominal_s
        self._known = period_s is not None
        self._bounds: deque[tuple[int, float, float]] = deque(maxlen=_MOST)
        self._first_s = 0.0
        self._fitted_s = -np.inf
        self._added = 0
        self._at_s = 0.0
        self.settled = False
        """The times will hardly bend any more: all samples so far are known to a tenth of a period.

        Or, on a bus too slow to find that out, four seconds have passed.
        """
        # What was given out last: sample, time, step to the next one.
        self._given: tuple[int, float, float] | None = None

    def add(self, taken: int, before_s: float, after_s: float) -> None:
        """Take in that some time between these two the chip had taken `taken` samples."""
        if not self._bounds:
            self._first_s = before_s
        self._bounds.append((taken, before_s, after_s))
        while self._bounds[0][2] < after_s - WINDOW_S:
            self._bounds.popleft()
        self._added += 1
        if after_s >= self._fitted_s + _REFIT_S or self._added <= _OFTEN:
            self._fitted_s = after_s
            self._fit()
            if self.margin_s < -_IMPOSSIBLE * self.period_s:
                # Someone has miscounted, or a clock jumped: what was before tells no more.
                self._bounds = deque(list(self._bounds)[-_FEW:], _MOST)
                self._fit()
        sharp = self.margin_s < _SHARP * self.period_s
        ran_s = after_s - self._first_s
        self.settled |= ran_s > _STEER_S or (sharp and (self._known or ran_s > 1.0))

    def when_s(self, sample: float) -> float:
        """Return when sample `sample` was, or will be, taken."""
        return self._at_s + sample * self.period_s

    def taken_at(self, host_s: float) -> int:
        """Return how many samples there were then."""
        return int(np.floor((host_s - self._at_s) / self.period_s)) + 1

    def times_s(self, first: int, count: int) -> Float64:
        """Return times of `count` samples, the next after those given out before, or later.

        They rise, and never step: the fit, where it has changed, is approached in four seconds.
        """
        if self._given is None:
            self._given = first, self.when_s(first), self.period_s
        sample, at_s, _ = self._given
        goal = first + round(_STEER_S / self.period_s)
        step_s = (self.when_s(goal) - at_s) / (goal - sample)
        # However wrong it was, a clock that stood still would be worse.
        step_s = float(np.clip(step_s, 0.5 * self.period_s, 2.0 * self.period_s))
        t_s: Float64 = at_s + step_s * (np.arange(first, first + count) - sample)
        last = first + count
        self._given = last, at_s + step_s * (last - sample), step_s
        return t_s

    def _fit(self) -> None:
        taken, before_s, after_s = np.array(self._bounds).T
        origin_s = before_s[0]
        before_s, after_s = before_s - origin_s, after_s - origin_s

        def room(period_s: float) -> tuple[float, float]:
            latest = float((after_s - period_s * (taken - 1)).min())
            earliest = float((before_s - period_s * taken).max())
            return latest - earliest, (latest + earliest) / 2

        believed_s = self.period_s

        def merit(period_s: float) -> float:
            # Room changes by whole samples per period; a half only decides between equals.
            return room(period_s)[0] - 0.5 * abs(period_s - believed_s)

        # An oscillator is off by much, but changes by little; nor has the count since the start
        # been off by more than a sample.
        ran_s = self._bounds[-1][2] - self._first_s
        wide = min(_DRIFT + self._nominal_s / max(ran_s, 1e-9), WIDEST)
        around_s = self._nominal_s if wide == WIDEST else believed_s
        self.period_s = _highest(merit, around_s * (1 - wide), around_s * (1 + wide))
        space_s, at_s = room(self.period_s)
        self.margin_s, self._at_s = space_s / 2, at_s + origin_s


def _highest(merit: Callable[[float], float], low: float, high: float) -> float:
    """Find the highest point of a concave function (golden section)."""
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = merit(a), merit(b)
    for _ in range(_STEPS):
        if at_a > at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = merit(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = merit(b)
    return (low + high) / 2
