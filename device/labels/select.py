"""Selects a label's samples from the ring, and counts the missing ones."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device.host.clock import Reading
from device.labels import boot_time, layout, store
from device.labels.chunk import Chunk
from device.labels.store import Correction
from firmware_bridge.errors import InputError

AT_WORK_S = 15.0
"""If the newest sample is not older, the daemon runs and has later samples in memory."""
_NO_TIME = 1e-3


@dataclass(frozen=True, slots=True)
class Selection:
    """A correction that is not stored yet."""

    correction: Correction
    chunks: list[Chunk]
    until_utc_s: float
    """The end of the label: the newest sample, if the wearer meant "until now"."""


def select(
    folder: Path, label: str, time_s: tuple[float, float], made: str, now: Reading
) -> Selection:
    """Select the samples from time_s[0] to time_s[1], seconds since 1970 by the current clock.

    Raises InputError if there are none.
    """
    raw = layout.raw(folder)
    try:
        stored = boot_time.boots(layout.chunks(raw))
        known = boot_time.up_to(now, stored)
        from_s, until_s = time_s[0], _until(stored, known, time_s[1], now)
        if until_s <= from_s:
            raise InputError("the newest samples are not on the disk yet; try again in 5 s")
        spans = boot_time.spans(known, from_s, until_s)
        chunks = [one for one in layout.chunks(raw) if store.overlaps(spans, one)]
        correction = Correction(label, made, spans, 0, 0.0)
        samples, covered_s = _counted(correction, chunks)
    except FileNotFoundError as error:
        raise InputError(
            f"{raw} does not exist: `edgehar run` has not stored samples yet"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {raw}: {store.why(error)}") from error
    if not samples:
        raise InputError(f"{raw} has no samples of that time; `edgehar run` keeps only the latest")
    missing_s = max(0.0, round(until_s - from_s - covered_s, 3))
    spans = [span for span in spans if any(one.boot == span.boot for one in chunks)]
    return Selection(
        replace(correction, spans=spans, samples=samples, missing_s=missing_s), chunks, until_s
    )


def _until(
    stored: dict[bytes, boot_time.Boot],
    known: dict[bytes, boot_time.Boot],
    until_s: float,
    now: Reading,
) -> float:
    newest_s = max((known[name].offset_s + one.last_s for name, one in stored.items()), default=0.0)
    if 0 <= now.utc_s - newest_s <= AT_WORK_S:
        return min(until_s, newest_s + _NO_TIME)
    return until_s


def _counted(correction: Correction, chunks: list[Chunk]) -> tuple[int, float]:
    """Return the number of labelled samples and their duration in seconds."""
    samples, covered_s = 0, 0.0
    for one in chunks:
        t_s = one.samples().t_s
        labelled = int(np.count_nonzero(correction.covers(one, one.taken_s(t_s))))
        samples += labelled
        covered_s += labelled * one.each_s
    return samples, covered_s
