"""Signal path: samples to windows, with the same code in training and on the board."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.mounting.rotation import Mounting
from device.signal.screen import Screen
from device.signal.spec import SignalSpec
from device.signal.timebase import Timebase
from device.signal.windows import Windows
from firmware_bridge.samples import Float64, Samples

_ROWS_AT_ONCE = 4096  # bounds the memory for a block of hours


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the model."""

    start_s: float
    """Time of the first sample."""
    end_s: float
    """start_s plus window / rate_hz."""
    x: NDArray[np.float32]
    """(window, 9): total acc xyz [g], gyro xyz [rad/s], body acc xyz [g]."""
    lost: int
    """Samples lost before end_s that no earlier event has reported."""


@dataclass(frozen=True, slots=True)
class StretchStart:
    """A stretch begins: at the very first sample, or at the first after a gap."""

    start_s: float
    ready_s: float
    """End of the first window that this stretch can give."""
    lost: int
    """Samples lost before start_s that no earlier event has reported."""


@dataclass(frozen=True, slots=True)
class Gap:
    """More than max_gap_s without a sample between two samples."""

    start_s: float
    end_s: float


Event = Window | StretchStart | Gap


class SignalPath:
    """Samples to windows. Any chunking of the same samples gives bit-identical events."""

    def __init__(
        self, spec: SignalSpec, rotation: Sequence[Sequence[float]] | Float64 | None = None
    ) -> None:
        """Take rotation (3 by 3, sensor to wearer); InputError unless it is a proper rotation."""
        self.spec = spec
        self.last_s: float | None = None
        """Time of the last sample that entered."""
        self._mounting = Mounting(rotation)
        self._screen = Screen()
        self._windows = Windows(spec)
        self._timebase = Timebase(spec.rate_hz)
        self._start_s = 0.0
        self._lost: list[tuple[float, int]] = []
        self._events: Counter[str] = Counter(gaps=0, windows=0)

    @property
    def counts(self) -> dict[str, int]:
        """Counts of samples (that entered), lost (by the source's count), gaps, windows.

        Dropped samples by reason: not_finite, implausible, repeated, backward.
        """
        return {**self._screen.counts, **self._events}

    def push(self, samples: Samples) -> list[Event]:
        """Take a block of any length; return the events that it completes, in order of time."""
        events: list[Event] = []
        for at in range(0, max(len(samples), 1), _ROWS_AT_ONCE):
            part = samples[at : at + _ROWS_AT_ONCE] if len(samples) else samples
            t_s, values, lost = self._screen.push(part)
            if len(t_s):
                self._enter(t_s, values, lost, events)
        return events

    def finish(self) -> list[Event]:
        """End the stretch, as a gap does; return the windows that waited for later samples."""
        events: list[Event] = []
        if self.last_s is not None:
            self._cut(self._timebase.finish(), events)
        return events

    def _enter(
        self, t_s: Float64, values: Float64, lost: NDArray[np.int64], events: list[Event]
    ) -> None:
        values = np.concatenate([self._mounting.apply(v) for v in (values[:3], values[3:])])
        before_s = np.concatenate([[-np.inf if self.last_s is None else self.last_s], t_s[:-1]])
        starts = np.flatnonzero(t_s - before_s > self.spec.max_gap_s)
        for begin, end in zip([0, *starts], [*starts, len(t_s)], strict=True):
            if begin == end:
                continue  # the block begins with a new stretch
            part = slice(begin, end)
            after = np.flatnonzero(lost[part]) + begin
            self._lost += [(float(t_s[i]), int(lost[i])) for i in after]
            if t_s[begin] - before_s[begin] > self.spec.max_gap_s:
                self._restart(float(t_s[begin]), events)
            self.last_s = float(t_s[end - 1])
            self._cut(self._timebase.push(t_s[part] - self._start_s, values[:, part]), events)

    def _restart(self, first_s: float, events: list[Event]) -> None:
        if self.last_s is not None:
            events += self.finish()
            self._events["gaps"] += 1
            events.append(Gap(self.last_s, first_s))
        spec = self.spec
        ready_s = first_s + (spec.warm_up_blocks * spec.hop + spec.window) / spec.rate_hz
        # A loss just before the first sample is reported with the start.
        lost = self._lost_before(float(np.nextafter(first_s, np.inf)))
        events.append(StretchStart(first_s, ready_s, lost))
        self._timebase = Timebase(spec.rate_hz)
        self._start_s = first_s
        self._windows.start()

    def _cut(self, points: Float64, events: list[Event]) -> None:
        rate_hz, window = self.spec.rate_hz, self.spec.window
        for first, x in self._windows.push(points):
            start_s = self._start_s + first / rate_hz
            end_s = self._start_s + (first + window) / rate_hz
            self._events["windows"] += 1
            events.append(Window(start_s, end_s, x, self._lost_before(end_s)))

    def _lost_before(self, end_s: float) -> int:
        if not self._lost:
            return 0
        count = sum(n for t, n in self._lost if t < end_s)
        self._lost = [(t, n) for t, n in self._lost if t >= end_s]
        return count


def windows_of(
    samples: Samples, spec: SignalSpec, rotation: Sequence[Sequence[float]] | Float64 | None = None
) -> list[Window]:
    """Return the windows of a whole recording, for training."""
    events = SignalPath(spec, rotation).push(samples)
    return [event for event in events if isinstance(event, Window)]
