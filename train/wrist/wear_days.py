"""Joins each wearer's recordings to one day that begins with walking.

So the mounting is estimated like on the device, and the scores are those of a wearer who walks for
some minutes after putting the sensor on.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_bridge.samples import Samples
from train.datasets import wrist
from train.datasets.piece import LABELS, UNKNOWN, Piece

CLASSES = (*LABELS, UNKNOWN)
ON_A_RAIL = frozenset({"a10", "a11"})
"""Codes of treadmill walking in daily-sports: three of six people hold the rail, so their arms do
not swing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled activity from start_s to end_s."""

    start_s: float
    end_s: float
    activity: str
    """One of CLASSES, LYING, or "" if the publisher's label is ambiguous."""
    detail: str
    """The publisher's code of the activity."""


@dataclass(frozen=True, slots=True)
class Day:
    """The joined recordings of one sensor on one wrist."""

    wearer: str
    """Person and wrist: both arms of a person are two wearers."""
    person: str
    dataset: str
    wrist: str
    samples: Samples
    marks: tuple[Mark, ...]


def load(folder: Path) -> tuple[list[Day], dict[str, str]]:
    """Return the days of all wrist data sets, and the hash of each archive. Raises DataError."""
    sets = [wrist.load(name, folder) for name in wrist.DATASETS]
    pieces = [piece for dataset in sets for piece in dataset.pieces]
    return days(pieces), {dataset.name: dataset.sha256 for dataset in sets}


def days(pieces: Iterable[Piece]) -> list[Day]:
    """Join each wearer's recordings without gaps; recordings with free walking come first."""
    wearers: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        wearers[piece.person, piece.wrist].append(piece)
    return [_day(of_wearer) for of_wearer in wearers.values()]


def _day(pieces: list[Piece]) -> Day:
    recordings: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        recordings[piece.recording].append(piece)
    parts, marks, now_s = [], [], 0.0
    for joined in sorted(recordings.values(), key=lambda joined: not _walks_freely(joined)):
        first_s = joined[0].samples.t_s[0]
        for piece in joined:
            t_s = piece.samples.t_s - first_s + now_s
            parts.append(Samples(t_s, piece.samples.acc_g, piece.samples.gyro_rad_s))
            marks.append(Mark(float(t_s[0]), float(t_s[-1]), piece.activity, piece.detail))
        # The next recording starts at the time of the next sample.
        steps_s = np.diff(np.concatenate([piece.samples.t_s for piece in joined]))
        now_s = marks[-1].end_s + (float(np.median(steps_s)) if len(steps_s) else 0.02)
    first = pieces[0]
    samples = Samples.joined(parts)
    wearer = " ".join(filter(None, (first.person, first.wrist)))
    return Day(wearer, first.person, first.dataset, first.wrist, samples, tuple(marks))


def _walks_freely(pieces: list[Piece]) -> bool:
    return any(p.activity == "walking" and p.detail not in ON_A_RAIL for p in pieces)
