"""The pipeline: samples to decisions. Pure: no port, no thread, no clock."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from device.decision.decision import Decision, Reason, State
from device.decision.judge import DecisionSpec, Judge
from device.decision.nonwear import NonwearDetector, NonwearSpec
from device.mounting.estimator import MountingEstimator
from device.mounting.spec import MountingSpec
from device.signal.path import Event, Gap, SignalPath, Window
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64, Samples

LIVE_SILENCE_S = 5.0
"""After this time without a sample, a live silence is reported before the next sample."""

Classify = Callable[[NDArray[np.float32]], Float64]
"""(n, window, 9) to probabilities (n, classes)."""


class Model(Protocol):
    """The part of a bundle that the pipeline uses."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as in Bundle
    @property
    def labels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def spec(self) -> SignalSpec: ...  # noqa: D102
    @property
    def decision(self) -> DecisionSpec: ...  # noqa: D102
    @property
    def orientation(self) -> MountingSpec | None: ...  # noqa: D102
    @property
    def worn(self) -> NonwearSpec | None: ...  # noqa: D102


class _Placed(NamedTuple):
    x: NDArray[np.float32]
    """(window, 9), in wearer axes."""
    mounted: bool
    """Whether the mounting is known."""
    doubted: bool
    """Whether the sensor is too still to tell if it is worn."""


class Pipeline:
    """One stream. Any chunking of the same samples gives bit-identical decisions."""

    def __init__(
        self,
        bundle: Model,
        classify: Classify,
        rotation: Sequence[Sequence[float]] | Float64 | None = None,
        orientation: MountingEstimator | None = None,
    ) -> None:
        """Take rotation (3 by 3, sensor to wearer); InputError unless it is a proper rotation.

        Without a rotation the mounting is estimated, if the bundle supports it: from the start, or
        with `orientation`, the estimator of an earlier run.
        """
        self.model = bundle
        self._classify = classify
        self._path = SignalPath(bundle.spec, rotation)
        self.orientation: MountingEstimator | None = None
        """Estimator of the mounting; None if the mounting is given or the bundle estimates none."""
        mounting = bundle.orientation if rotation is None else None
        if mounting is not None:
            self.orientation = orientation or MountingEstimator(mounting, bundle.spec.rate_hz)
        self._judge = Judge(bundle.labels, bundle.decision, mounting.postures if mounting else ())
        spec, worn = bundle.spec, bundle.worn
        self._worn = None if worn is None else NonwearDetector(worn, spec.hop / spec.rate_hz)
        self._off_s = 0.0
        self._mounted = False
        self._silent_from: float | None = math.nan
        """Last sample before the silence that was reported; NaN before the first report."""
        self._ahead: set[float | None] = set()
        """Starts of the windows that `silence` has reported before the signal path."""
        self._states: Counter[str] = Counter(ok=0, unknown=0, warming_up=0, no_data=0, not_worn=0)

    @property
    def counts(self) -> dict[str, int]:
        """Counts of the signal path, and decisions by state."""
        return {**self._path.counts, **self._states}

    def push(self, samples: Samples) -> list[Decision]:
        """Take a block of any length; return the decisions that it completes, in order of time."""
        decisions = self._decide(self._path.push(samples))
        if not self._ahead:
            return decisions
        return [decision for decision in decisions if not self._was_ahead(decision)]

    def silence(self, silent_s: float) -> list[Decision]:
        """Take the time in which the host received no sample; return `no_data` once for each gap.

        Windows that wait for later samples are decided first, as at a gap, so that decisions stay
        in order of time. If those samples arrive late and without a gap, the windows are not
        reported again.
        """
        last_s = self._path.last_s
        if silent_s < LIVE_SILENCE_S or self._silent_from == last_s:
            return []
        self._silent_from = last_s
        # On copies: only a gap on the sensor's clock ends the stretch.
        ended = copy(self)
        ended._path, ended._judge, ended._worn, ended.orientation = deepcopy(
            (self._path, self._judge, self._worn, self.orientation)
        )
        ahead = ended._decide(ended._path.finish())
        self._ahead = {decision.start_s for decision in ahead}
        return [*ahead, self._no_data(last_s)]

    def _was_ahead(self, decision: Decision) -> bool:
        """Return whether `silence` has reported this window; then it is not counted again."""
        if decision.probabilities is None and decision.state != "not_worn":
            return False
        ahead = decision.start_s in self._ahead
        self._ahead.discard(decision.start_s)
        self._states[decision.state] -= ahead
        return ahead

    def _decide(self, events: list[Event]) -> list[Decision]:
        placed = [self._place(event) for event in events]
        windows = [window.x for window in placed if window]
        rows = iter(self._classify(np.stack(windows)).tolist() if windows else ())
        decisions = []
        for event, window in zip(events, placed, strict=True):
            if isinstance(event, Window) and window:
                decisions.append(self._judged(event, next(rows), window))
            elif (decision := self._unjudged(event)) is not None:
                decisions.append(decision)
        return decisions

    def _place(self, event: Event) -> _Placed | None:
        """Return the window to classify; None for other events and while the sensor is not worn."""
        if isinstance(event, Gap) and self.orientation is not None:
            self.orientation.silence(event.end_s - event.start_s)
        if not isinstance(event, Window):
            return None
        worn = True if self._worn is None else self._worn.see(event.x)
        if self._worn is not None and worn is False:
            self._off_s = self._worn.still_s
            return None
        if self.orientation is None:
            return _Placed(event.x, mounted=True, doubted=worn is None)
        if self._off_s:
            self.orientation.silence(self._off_s)
            self._off_s = 0.0
        return _Placed(*self.orientation.place(event.x), doubted=worn is None)

    def _judged(self, window: Window, row: list[float], placed: _Placed) -> Decision:
        if placed.mounted and not self._mounted:
            # The belief from windows with a wrong rotation must not persist.
            self._judge.reset()
        self._mounted = placed.mounted
        judgement = self._judge.judge(row, mounted=placed.mounted)
        reason: Reason | None = "still" if placed.doubted else judgement.reason
        state: State = "ok" if reason is None else "unknown"
        decision = self._decision(state, reason, window.start_s, window.end_s, lost=window.lost)
        return replace(
            decision,
            activity=None if reason else judgement.activity,
            confidence=judgement.confidence,
            probabilities=judgement.probabilities,
        )

    def _unjudged(self, event: Event) -> Decision | None:
        """Return the decision for a window that is not worn, a long gap, or a warm-up."""
        if isinstance(event, Window):
            self._judge.reset()
            return self._decision("not_worn", "still", event.start_s, event.end_s, lost=event.lost)
        if isinstance(event, Gap):
            if event.end_s - event.start_s < self.model.spec.no_data_after_s:
                return None
            self._judge.reset()
            return None if self._silent_from == event.start_s else self._no_data(event.start_s)
        reason: Reason = "gap" if self._states["warming_up"] else "start"
        return self._decision("warming_up", reason, event.start_s, event.ready_s, lost=event.lost)

    def _no_data(self, last_s: float | None) -> Decision:
        end_s = None if last_s is None else last_s + self.model.spec.no_data_after_s
        return self._decision("no_data", "silence", last_s, end_s)

    def _decision(
        self,
        state: State,
        reason: Reason | None,
        start_s: float | None,
        end_s: float | None,
        *,
        lost: int = 0,
    ) -> Decision:
        self._states[state] += 1
        return Decision(
            start_s=start_s,
            end_s=end_s,
            time=None,
            state=state,
            activity=None,
            reason=reason,
            confidence=None,
            probabilities=None,
            lost=lost,
            model=self.model.id,
        )
