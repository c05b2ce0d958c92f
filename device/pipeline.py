"""The pipeline: samples in, decisions out. Pure: no port, no thread, no clock."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.decisions import Decision, State
from device.signal.path import Event, Gap, SignalPath, StretchStart, Window
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64, Samples

LIVE_SILENCE_S = 5.0
"""A live source that has given nothing for this long is reported without waiting for it."""

Classify = Callable[[NDArray[np.float32]], Float64]
"""(n, window, 9) to probabilities (n, classes)."""


class Model(Protocol):
    """What the pipeline reads of a bundle."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as in Bundle
    @property
    def labels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def spec(self) -> SignalSpec: ...  # noqa: D102
    @property
    def unknown_threshold(self) -> float: ...  # noqa: D102


class Pipeline:
    """One stream. Any chunking of the same samples gives bit-identical decisions."""

    def __init__(
        self,
        bundle: Model,
        classify: Classify,
        rotation: Sequence[Sequence[float]] | Float64 | None = None,
    ) -> None:
        """Take rotation (3 by 3, sensor to wearer); InputError unless it is a proper rotation."""
        self._bundle = bundle
        self._classify = classify
        self._path = SignalPath(bundle.spec, rotation)
        self._told_silent = False
        self._silent_from: float | None = None
        self._states: Counter[str] = Counter(ok=0, unknown=0, warming_up=0, no_data=0)

    @property
    def counts(self) -> dict[str, int]:
        """Those of the signal path, and the decisions by state."""
        return {**self._path.counts, **self._states}

    def push(self, samples: Samples) -> list[Decision]:
        """Take a block of any length; return the decisions that it completed, in order of time."""
        events = self._path.push(samples)
        windows = [event for event in events if isinstance(event, Window)]
        rows: list[list[float]] = []
        if windows:
            rows = self._classify(np.stack([window.x for window in windows])).tolist()
        answers = iter(rows)
        decisions = []
        for event in events:
            answer = next(answers) if isinstance(event, Window) else None
            decision = self._decide(event, answer)
            if decision is not None:
                decisions.append(decision)
        return decisions

    def silence(self, silent_s: float) -> list[Decision]:
        """Say, once for each hole, that the host has had no sample for silent_s seconds."""
        last_s = self._path.last_s
        told = self._told_silent and self._silent_from == last_s
        if silent_s < LIVE_SILENCE_S or told:
            return []
        self._told_silent, self._silent_from = True, last_s
        return [self._no_data(last_s)]

    def _decide(self, event: Event, row: list[float] | None) -> Decision | None:
        if isinstance(event, Gap):
            told = self._told_silent and self._silent_from == event.start_s
            short = event.end_s - event.start_s < self._bundle.spec.no_data_after_s
            return None if told or short else self._no_data(event.start_s)
        if isinstance(event, StretchStart):
            return self._say("warming_up", event.start_s, event.ready_s, lost=event.lost)
        assert row is not None  # noqa: S101 - a window always has its row
        labels = self._bundle.labels
        best = max(range(len(labels)), key=row.__getitem__)
        sure = row[best] >= self._bundle.unknown_threshold
        self._states["ok" if sure else "unknown"] += 1
        return Decision(
            start_s=event.start_s,
            end_s=event.end_s,
            time=None,
            state="ok" if sure else "unknown",
            activity=labels[best] if sure else None,
            confidence=row[best],
            probabilities=dict(zip(labels, row, strict=True)),
            lost=event.lost,
            model=self._bundle.id,
        )

    def _no_data(self, last_s: float | None) -> Decision:
        end_s = None if last_s is None else last_s + self._bundle.spec.no_data_after_s
        return self._say("no_data", last_s, end_s, lost=0)

    def _say(
        self, state: State, start_s: float | None, end_s: float | None, *, lost: int
    ) -> Decision:
        self._states[state] += 1
        return Decision(
            start_s=start_s,
            end_s=end_s,
            time=None,
            state=state,
            activity=None,
            confidence=None,
            probabilities=None,
            lost=lost,
            model=self._bundle.id,
        )
