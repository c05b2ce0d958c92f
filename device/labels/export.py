"""Exports labelled samples as a recording: each sample once, with its latest label."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device.labels import store
from device.labels.chunk import Chunk
from device.labels.store import Correction
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples

APART_S = 10.0
"""Smallest gap inserted where the sensor's clock restarts: longer than the signal path bridges."""
_TOGETHER_S = 1.0


@dataclass(slots=True)
class Exported:
    """The content of an exported recording."""

    samples: int
    by_label: dict[str, float]
    """Seconds of each label."""


def write(
    folder: Path,
    by_number: Mapping[int, Correction],
    offsets_s: Mapping[bytes, float],
    recording: RecordingWriter,
    progress: Callable[[float], None] = lambda _: None,
) -> Exported:
    """Write the labelled samples of a folder in order of time; offsets_s has the times of boots.

    Calls `progress` with the share that is done, 0 to 1. Raises OSError and ValueError.
    """
    unique = {
        one.content: one
        for number in by_number
        for one in store.chunks_of(folder, number)
        if one.boot in offsets_s
    }
    ordered = sorted(
        unique.values(),
        key=lambda one: (offsets_s[one.boot] + one.start_s, offsets_s[one.boot] + one.end_s),
    )
    corrections = [by_number[number] for number in sorted(by_number)]
    total = Exported(0, {})
    for number, (one, shift_s, gap_s) in enumerate(_placed(ordered, offsets_s)):
        progress(number / len(ordered))
        samples = one.samples()
        labels = _labels(one, samples, corrections)
        if gap_s is not None:
            recording.comment(f"a gap of {gap_s:.1f} s")
        elif one.lost and total.samples:
            recording.comment(f"{one.lost} samples were lost here")
        recording.write(replace(samples, t_s=samples.t_s + shift_s), labels)
        total.samples += len(samples)
        each_s = (one.last_s - one.first_s) / max(1, one.size - 1)
        for label in filter(None, labels):
            total.by_label[label] = total.by_label.get(label, 0.0) + each_s
    return total


def _placed(
    ordered: list[Chunk], offsets_s: Mapping[bytes, float]
) -> Iterator[tuple[Chunk, float, float | None]]:
    """Yield each chunk, the shift that keeps times increasing, and the gap before it, if any."""
    before: Chunk | None = None
    shift_s = 0.0
    for one in ordered:
        gap_s = None
        if before is not None:
            step_s = one.first_s - before.last_s
            away_s = offsets_s[one.boot] + one.start_s - offsets_s[before.boot] - before.end_s
            goes_on = step_s >= 0 and one.boot == before.boot
            if not goes_on or (step_s < _TOGETHER_S < away_s - step_s):
                # Another boot, or the sensor's clock restarted.
                pause_s = max(away_s, APART_S)
                shift_s = round(before.last_s + shift_s + pause_s - one.first_s, 6)
                step_s = pause_s
            gap_s = step_s if step_s > _TOGETHER_S else None
        yield one, shift_s, gap_s
        before = one


def _labels(one: Chunk, samples: Samples, corrections: list[Correction]) -> list[str]:
    labels = np.full(len(samples), -1)
    taken_s = one.taken_s(samples.t_s)
    for index, correction in enumerate(corrections):  # the newest last, so that it wins
        labels[correction.covers(one, taken_s)] = index
    return ["" if index < 0 else corrections[index].label for index in labels.tolist()]
