"""Loads the wrist data sets by name, from archive or cache, in g, rad/s and seconds."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.config.suggest import did_you_mean
from firmware_bridge.samples import Samples
from train.datasets import daily_sports, mpu6050, sp_sw, weda, wisdm
from train.datasets.archive import Archive, DataError, locate
from train.datasets.cache import Arrays, cached
from train.datasets.piece import ACTIVITIES, Piece

PARSER = 3
"""Increase with each change of a parser, so that older cache files are ignored."""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set's archive and parser."""

    title: str
    files: tuple[str, ...]
    """Possible names in the data folder, the first preferred."""
    root: str
    """A file that the archive must contain."""
    pieces: Callable[[Archive], Iterator[Piece]]
    """The parser; raises DataError."""


@dataclass(frozen=True, slots=True)
class WristSet:
    """All pieces in order of person and recording, and the archive's hash."""

    name: str
    sha256: str
    pieces: tuple[Piece, ...]

    @property
    def people(self) -> tuple[str, ...]:
        """The people in the archive; some copies of it lack people."""
        return tuple(sorted({piece.person for piece in self.pieces}))

    @property
    def minutes(self) -> dict[str, float]:
        """Minutes by activity, in the order of ACTIVITIES, then ''; each wrist counts."""
        minutes: Counter[str] = Counter()
        for piece in self.pieces:
            minutes[piece.activity] += (piece.samples.t_s[-1] - piece.samples.t_s[0]) / 60
        return {label: minutes[label] for label in (*ACTIVITIES, "") if label in minutes}


SOURCES = {
    module.NAME: Source(module.TITLE, module.FILES, module.ROOT, module.pieces)
    for module in (wisdm, daily_sports, sp_sw, weda, mpu6050)
}
DATASETS = tuple(SOURCES)
"""wisdm, daily-sports, sp-sw, weda, mpu6050."""


def load(name: str, folder: Path) -> WristSet:
    """Load one of DATASETS, from its archive in `folder` or from the cache.

    Raises DataError if the name is unknown, or if the archive is missing, damaged or another one.
    """
    if name not in SOURCES:
        known = f"the names are {', '.join(DATASETS)}{did_you_mean(name, DATASETS)}"
        raise DataError(f"unknown wrist data set {name!r}; {known}")
    source = SOURCES[name]
    archive = Archive(locate(folder, source.files, source.title), source.root)
    sha256 = archive.sha256()
    arrays = cached(f"{name}-{PARSER}", sha256, lambda: _pack(source.pieces(archive)))
    if not len(arrays["ends"]):
        raise DataError(f"{archive.path} has no recording; fetch the archive again")
    return WristSet(name, sha256, tuple(_unpack(name, arrays)))


def recordings(pieces: Iterable[Piece]) -> dict[str, Samples]:
    """Join consecutive pieces; return the samples by recording."""
    parts: dict[str, list[Samples]] = defaultdict(list)
    for piece in pieces:
        parts[piece.recording].append(piece.samples)
    return {recording: Samples.joined(of_recording) for recording, of_recording in parts.items()}


_WORDS = ("person", "wrist", "activity", "detail", "recording")


def _pack(pieces: Iterable[Piece]) -> Arrays:
    all_pieces = list(pieces)
    rows = [np.empty((0, 7))]
    for piece in all_pieces:
        samples = piece.samples
        rows.append(np.column_stack([samples.t_s, samples.acc_g, samples.gyro_rad_s]))
    words = {word: np.array([getattr(piece, word) for piece in all_pieces], str) for word in _WORDS}
    return {"rows": np.concatenate(rows), "ends": np.cumsum([len(r) for r in rows[1:]]), **words}


def _unpack(dataset: str, arrays: Arrays) -> Iterator[Piece]:
    rows = np.asarray(arrays["rows"], np.float64)
    for i, part in enumerate(np.split(rows, arrays["ends"].astype(np.intp)[:-1])):
        t_s, acc_g, gyro_rad_s = (np.ascontiguousarray(part[:, k]) for k in _COLUMNS)
        words = {word: str(arrays[word][i]) for word in _WORDS}
        yield Piece(dataset=dataset, samples=Samples(t_s, acc_g, gyro_rad_s), **words)


_COLUMNS: tuple[int | slice, ...] = (0, slice(1, 4), slice(4, 7))
