"""The daemon's loop: a source's samples through the pipeline into the sinks."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from device.batched import Batched
from device.decisions import Decision
from device.pipeline import Pipeline
from device.signal.spec import SignalSpec
from device.sinks import Outlet
from device.sources import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run."""

    seconds: float
    decisions: int
    pipeline: Mapping[str, int]
    """Samples in, dropped and why; decisions by state."""
    source: Mapping[str, int]
    """What the line delivered, damaged and lost."""
    failed_writes: int


def run(
    source: Source,
    pipeline: Pipeline,
    spec: SignalSpec,
    outlets: Sequence[Outlet],
    stop: Callable[[], bool],
) -> Report:
    """Run until the source ends, `stop` says so, or nobody reads standard output any more.

    `stop` is asked after each block, so at least every half second with a live source.
    """
    started = heard = time.monotonic()
    decisions, waiting = 0, Batched(pipeline, spec)
    try:
        with closing(source.blocks()) as blocks:
            for block in blocks:
                found = waiting.push(block)
                if len(block):
                    heard = time.monotonic()
                else:
                    found += pipeline.silence(time.monotonic() - heard)
                decisions += _write(found, source, outlets)
                if stop():
                    break
        decisions += _write(waiting.flush(), source, outlets)
    except BrokenPipeError:
        log.info("nobody reads standard output any more")
    finally:
        for outlet in outlets:
            outlet.close()
    report = Report(
        seconds=round(time.monotonic() - started, 3),
        decisions=decisions,
        pipeline=dict(pipeline.counts),
        source=dict(source.counts),
        failed_writes=sum(outlet.failures for outlet in outlets),
    )
    log.info("stopped after %.1f s: %s", report.seconds, in_words(pipeline.counts))
    return report


def _write(found: Sequence[Decision], source: Source, outlets: Sequence[Outlet]) -> int:
    for decision in found:
        dated = replace(decision, time=source.date(decision.end_s))
        for outlet in outlets:
            outlet.write(dated)
    return len(found)


def in_words(counts: Mapping[str, int]) -> str:
    """Return `12 samples, 3 lost`: the counts that are not zero, on one line."""
    said = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(said) or "nothing came"
