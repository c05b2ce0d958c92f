"""HAPT: raw, continuous 50 Hz recordings of UCI HAR's people, with labelled segments."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Samples
from train.datasets.archive import Archive, DataError, locate
from train.datasets.cache import Arrays, cached
from train.datasets.waist import LABELS

FILES = (
    "hapt.zip",
    "HAPT Data Set.zip",
    "smartphone+based+recognition+of+human+activities+and+postural+transitions.zip",
    "HAPT Data Set",
)
RATE_HZ = 50.0
TRANSITIONS = (
    "stand_to_sit",
    "sit_to_stand",
    "sit_to_lie",
    "lie_to_sit",
    "stand_to_lie",
    "lie_to_stand",
)
ACTIVITIES = LABELS + TRANSITIONS
"""Activity number 1 is ACTIVITIES[0]."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A labelled part of a recording: the samples [first, end), counted from 0."""

    activity: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Recording:
    """One experiment of one person."""

    experiment: int
    person: int
    samples: Samples
    segments: tuple[Segment, ...]

    def labels(self) -> list[str]:
        """Return the activity of each sample; '' for a sample without a label."""
        labels = [""] * len(self.samples)
        for segment in self.segments:
            labels[segment.first : segment.end] = [segment.activity] * (segment.end - segment.first)
        return labels


@dataclass(frozen=True, slots=True)
class Hapt:
    """All recordings in order of experiment, and the archive's hash."""

    recordings: tuple[Recording, ...]
    sha256: str

    @property
    def people(self) -> frozenset[int]:
        """The people in the archive; some copies of it lack people."""
        return frozenset(recording.person for recording in self.recordings)


def load(folder: Path) -> Hapt:
    """Load all recordings, from the archive in `folder` or from the cache.

    Raises DataError if the archive is missing, truncated, or not HAPT.
    """
    archive = Archive(locate(folder, FILES, "HAPT"), "RawData/labels.txt")
    sha256 = archive.sha256()
    arrays = cached("hapt", sha256, lambda: _parse(archive))
    raw = np.asarray(arrays["raw"], np.float64)
    bounds, who, segments = (np.asarray(arrays[name]) for name in ("bounds", "who", "segments"))
    recordings = []
    for (experiment, person), first, end in zip(who, bounds[:-1], bounds[1:], strict=True):
        of_this = segments[segments[:, 0] == experiment]
        t_s = np.arange(end - first) / RATE_HZ
        samples = Samples(t_s, raw[first:end, :3], raw[first:end, 3:])
        parts = tuple(Segment(ACTIVITIES[a], int(i), int(j)) for _, a, i, j in of_this)
        recordings.append(Recording(int(experiment), int(person), samples, parts))
    return Hapt(tuple(recordings), sha256)


def _parse(archive: Archive) -> Arrays:
    who, blocks, segments = [], [], []
    table = archive.numbers("RawData/labels.txt", 5).astype(np.int64)
    for name, match in archive.matching(r"RawData/acc_exp(\d+)_user(\d+)\.txt"):
        experiment, person = int(match[1]), int(match[2])
        acc = archive.numbers(name, 3)
        gyro = archive.numbers(name.replace("acc_", "gyro_"), 3)
        if len(acc) != len(gyro):
            raise DataError(
                f"{archive.path}: {name} has {len(acc)} rows, its gyro file {len(gyro)}; "
                "fetch the archive again"
            )
        rows = table[(table[:, 0] == experiment) & (table[:, 1] == person)]
        segments.append(_check(rows, len(acc), f"{archive.path}: RawData/labels.txt"))
        who.append((experiment, person))
        blocks.append(np.hstack([acc, gyro]))
    if not blocks:
        raise DataError(f"{archive.path} has no recording; fetch the archive again")
    return {
        "raw": np.concatenate(blocks),
        "bounds": np.cumsum([0, *(len(block) for block in blocks)]),
        "who": np.array(who),
        "segments": np.concatenate(segments),
    }


def _check(rows: NDArray[np.int64], samples: int, where: str) -> NDArray[np.int64]:
    """Return (experiment, activity from 0, first, end) of each segment of one recording."""
    experiment, _, number, first, last = rows.T
    known = (number >= 1) & (number <= len(ACTIVITIES))
    if not len(rows) or not (known & (first >= 1) & (first <= last) & (last <= samples)).all():
        raise DataError(f"{where} does not match the recordings; fetch the archive again")
    return np.stack([experiment, number - 1, first - 1, last], axis=1)
