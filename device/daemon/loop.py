"""The daemon's loop: takes samples from a source and passes decisions to the sinks."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from device.daemon.observer import InferenceTimes, Observer
from device.decision.daily_totals import DailyTotals
from device.decision.decision import Decision
from device.mounting.estimator import MountingEstimator
from device.mounting.state_file import MountingFile
from device.pipeline.batching import Batching
from device.pipeline.pipeline import Pipeline
from device.signal.spec import SignalSpec
from device.sinks import Outlet
from device.sources import Source
from device.sources.health import HealthLog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """Summary of a run."""

    seconds: float
    decisions: int
    pipeline: Mapping[str, int]
    """Samples received and dropped (by reason), decisions by state."""
    source: Mapping[str, int]
    """Counts of the line or the bus: delivered, damaged, lost."""
    problems: Sequence[str]
    """Every problem of the sensor that occurred during the run."""
    temperature_c: float | None
    """Temperature of the chip at the end."""
    failed_writes: int
    mounting: Mapping[str, float] | None
    """`known` and `confidence` at the end; null if the mounting is not estimated."""


def run(  # noqa: PLR0913, PLR0917 -- one argument a part
    source: Source,
    pipeline: Pipeline,
    spec: SignalSpec,
    outlets: Sequence[Outlet],
    stop: Callable[[], bool],
    mounting_file: MountingFile | None = None,
    times: InferenceTimes | None = None,
    today: DailyTotals | None = None,
) -> Report:
    """Run until the source ends, `stop` returns true, or standard output is closed.

    `stop` is called after each block, so at least every half second with a live source.
    `mounting_file` keeps the mounting, if the pipeline estimates it. Sinks that take a Status get
    one about once a second and at the end, with the inference `times` and the totals of `today`.
    """
    started = heard = time.monotonic()
    decisions, waiting = 0, Batching(pipeline, spec)
    mounting, health = _Mounting(pipeline.orientation, mounting_file), HealthLog(source.name)
    observer = Observer(source, pipeline, outlets, times, today)
    shown = [outlet.see for outlet in outlets if outlet.see is not None]
    try:
        with closing(source.blocks()) as blocks:
            for block in blocks:
                for see in shown:
                    see(block)
                new = waiting.push(block)
                if len(block):
                    heard = time.monotonic()
                else:
                    new += pipeline.silence(time.monotonic() - heard)
                decisions += _write(new, source, outlets, observer)
                mounting.look()
                health.look(source.health, time.monotonic())
                if observer.due():
                    _tell(observer, outlets)
                if stop():
                    break
        decisions += _write(waiting.flush(), source, outlets, observer)
        _tell(observer, outlets)
    except BrokenPipeError:
        log.info("standard output was closed by its reader")
        _tell(observer, outlets)
    finally:
        for outlet in outlets:
            outlet.close()
        mounting.close()
    report = Report(
        seconds=round(time.monotonic() - started, 3),
        decisions=decisions,
        pipeline=dict(pipeline.counts),
        source=dict(source.counts),
        problems=list(health.seen),
        temperature_c=source.health.temperature_c,
        failed_writes=sum(outlet.failures for outlet in outlets),
        mounting=mounting.report(),
    )
    if report.source:
        log.info("%s: %s", source.name, in_words(report.source))
    log.info("stopped after %.1f s: %s", report.seconds, in_words(pipeline.counts))
    return report


class _Mounting:
    """Logs when the mounting becomes known or unknown, and saves it."""

    def __init__(self, estimator: MountingEstimator | None, file: MountingFile | None) -> None:
        self._estimator = estimator
        self._file = file
        self._known = estimator is not None and estimator.known
        if estimator is not None and self._known:
            _log_mounting("known from before", estimator)

    def look(self) -> None:
        """Log and save a change of the mounting."""
        if self._estimator is None:
            return
        if self._estimator.known != self._known:
            self._known = self._estimator.known
            _log_mounting("known" if self._known else "no longer known", self._estimator)
        if self._file is not None:
            self._file.note(self._estimator, time.monotonic())

    def close(self) -> None:
        """Log and save the mounting at the end."""
        if self._estimator is None:
            return
        known = "known" if self._estimator.known else "not known"
        _log_mounting(f"{known} at the end", self._estimator)
        if self._file is not None:
            self._file.close(self._estimator)

    def report(self) -> dict[str, float] | None:
        """Return `known` and `confidence`; None if the mounting is not estimated."""
        if self._estimator is None:
            return None
        return {"known": self._estimator.known, "confidence": round(self._estimator.confidence, 3)}


def _log_mounting(state: str, estimator: MountingEstimator) -> None:
    log.info("mounting %s, confidence %.0f %%", state, 100 * estimator.confidence)


def _write(
    decisions: Sequence[Decision], source: Source, outlets: Sequence[Outlet], observer: Observer
) -> int:
    for decision in decisions:
        dated = replace(decision, time=source.date(decision.end_s))
        observer.see(dated)
        for outlet in outlets:
            outlet.write(dated)
    return len(decisions)


def _tell(observer: Observer, outlets: Sequence[Outlet]) -> None:
    status = observer.status()
    for outlet in outlets:
        outlet.status(status)


def in_words(counts: Mapping[str, int]) -> str:
    """Return `12 samples, 3 lost`: the counts that are not zero, on one line."""
    parts = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(parts) or "no samples"
