"""The daemon's loop: a source's samples through the pipeline into the sinks."""

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
    """Samples in and dropped (by reason), decisions by state."""
    source: Mapping[str, int]
    """Events on the line or the bus: delivered, damaged, lost."""
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
    kept: MountingFile | None = None,
    times: InferenceTimes | None = None,
    today: DailyTotals | None = None,
) -> Report:
    """Run until the source ends, `stop` returns true, or standard output is closed.

    `stop` is called after each block, so at least every half second with a live source. `kept`
    saves the mounting, if the pipeline estimates it. Sinks that take a Status get one about once a
    second and at the end, with the inference `times` and the totals of `today`.
    """
    started = heard = time.monotonic()
    decisions, waiting = 0, Batching(pipeline, spec)
    mounting, health = _Mounting(pipeline.orientation, kept), HealthLog(source.name)
    observer = Observer(source, pipeline, outlets, times, today)
    shown = [outlet.see for outlet in outlets if outlet.see is not None]
    try:
        with closing(source.blocks()) as blocks:
            for block in blocks:
                for see in shown:
                    see(block)
                found = waiting.push(block)
                if len(block):
                    heard = time.monotonic()
                else:
                    found += pipeline.silence(time.monotonic() - heard)
                decisions += _write(found, source, outlets, observer)
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

    def __init__(self, orientation: MountingEstimator | None, kept: MountingFile | None) -> None:
        self._orientation = orientation
        self._kept = kept
        self._known = orientation is not None and orientation.known
        if self._known:
            self._say("known from before")

    def look(self) -> None:
        """Log and save a change of the mounting."""
        if self._orientation is None:
            return
        if self._orientation.known != self._known:
            self._known = self._orientation.known
            self._say("known" if self._known else "not known any more")
        if self._kept is not None:
            self._kept.note(self._orientation, time.monotonic())

    def close(self) -> None:
        """Log and save the mounting at the end."""
        if self._orientation is None:
            return
        self._say("known at the end" if self._orientation.known else "not known at the end")
        if self._kept is not None:
            self._kept.close(self._orientation)

    def report(self) -> dict[str, float] | None:
        """Return it for the report."""
        found = self._orientation
        return (
            None
            if found is None
            else {"known": found.known, "confidence": round(found.confidence, 3)}
        )

    def _say(self, what: str) -> None:
        assert self._orientation is not None  # noqa: S101 -- else there is nothing to say
        log.info("mounting %s, confidence %.0f %%", what, 100 * self._orientation.confidence)


def _write(
    found: Sequence[Decision], source: Source, outlets: Sequence[Outlet], observer: Observer
) -> int:
    for decision in found:
        dated = replace(decision, time=source.date(decision.end_s))
        observer.see(dated)
        for outlet in outlets:
            outlet.write(dated)
    return len(found)


def _tell(observer: Observer, outlets: Sequence[Outlet]) -> None:
    status = observer.status()
    for outlet in outlets:
        outlet.status(status)


def in_words(counts: Mapping[str, int]) -> str:
    """Return `12 samples, 3 lost`: the counts that are not zero, on one line."""
    said = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(said) or "nothing came"
