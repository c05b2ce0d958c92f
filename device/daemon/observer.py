"""Observes the daemon: counts decisions and makes a Status once a second."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from device.decision.daily_totals import DailyTotals
from device.decision.decision import Decision, Reason, State
from device.host.clock import utc_text
from device.pipeline.pipeline import Classify, Pipeline
from device.sinks import Outlet
from device.sinks.status import INFERENCE_BOUNDS_S, Inference, Status
from device.sources import Source
from firmware_bridge.samples import Float64

EVERY_S: Final = 1.0


class InferenceTimes:
    """Wraps a model's function and measures its inference time."""

    def __init__(self, classify: Classify) -> None:
        self._classify = classify
        self._windows = [0] * (len(INFERENCE_BOUNDS_S) + 1)
        self._sum_s = 0.0

    def __call__(self, x: NDArray[np.float32]) -> Float64:
        """Classify windows (n, window, 9)."""
        begun = time.perf_counter()
        probabilities = self._classify(x)
        took_s = time.perf_counter() - begun
        self._windows[bisect_left(INFERENCE_BOUNDS_S, took_s / len(x))] += len(x)
        self._sum_s += took_s
        return probabilities

    def so_far(self) -> Inference:
        """Return the histogram so far."""
        return Inference(tuple(self._windows), self._sum_s)


class Observer:
    """Counts every decision; makes a Status at intervals."""

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        outlets: Sequence[Outlet],
        times: InferenceTimes | None = None,
        today: DailyTotals | None = None,
    ) -> None:
        self._source, self._pipeline, self._outlets = source, pipeline, outlets
        self._times = times
        self._today = today or DailyTotals(pipeline.model.labels)
        self._began_s = time.monotonic()
        self._due_s = self._began_s
        self._latest: Decision | None = None
        self._states = Counter(dict.fromkeys(get_args(State), 0))
        self._reasons = Counter(dict.fromkeys(get_args(Reason), 0))
        self._activities = Counter(dict.fromkeys(pipeline.model.labels, 0))

    def see(self, decision: Decision) -> None:
        """Count a dated decision."""
        self._latest = decision
        self._states[decision.state] += 1
        if decision.reason is not None:
            self._reasons[decision.reason] += 1
        if decision.activity is not None:
            self._activities[decision.activity] += 1
        self._today.see(decision)

    def due(self) -> bool:
        """Return whether the next Status is due."""
        now = time.monotonic()
        if now < self._due_s:
            return False
        self._due_s = now + EVERY_S
        return True

    def status(self) -> Status:
        """Return the Status of this moment."""
        now = datetime.now(UTC)
        day = now.astimezone().date()
        mounting = self._pipeline.orientation
        return Status(
            time=utc_text(now),
            uptime_s=time.monotonic() - self._began_s,
            model=self._pipeline.model.id,
            source=self._source.name,
            source_counts=dict(self._source.counts),
            health=self._source.health,
            pipeline=self._pipeline.counts,
            mounting_known=None if mounting is None else mounting.known,
            mounting_confidence=None if mounting is None else mounting.confidence,
            decision=self._latest,
            states=dict(self._states),
            reasons=dict(self._reasons),
            activities=dict(self._activities),
            inference=None if self._times is None else self._times.so_far(),
            failed_writes={outlet.name: outlet.failures for outlet in self._outlets},
            queued={outlet.name: outlet.queued for outlet in self._outlets},
            today=day.isoformat(),
            today_s=self._today.seconds(day),
        )
