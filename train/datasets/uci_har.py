"""UCI HAR: windows of a phone at the waist, 50 Hz, cut and filtered by the publisher."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.datasets.archive import Archive, DataError, locate
from train.datasets.cache import Arrays, cached
from train.datasets.waist import LABELS, TEST_PEOPLE

FILES = (
    "uci-har.zip",
    "UCI HAR Dataset.zip",
    "human+activity+recognition+using+smartphones.zip",
    "UCI HAR Dataset",
)
SIGNALS = tuple(
    f"{kind}_{axis}" for kind in ("total_acc", "body_gyro", "body_acc") for axis in "xyz"
)
"""The nine channels in the paper's order: total acc [g], gyro [rad/s], body acc [g]."""

WINDOWS = {"train": 7352, "test": 2947}


@dataclass(frozen=True, slots=True)
class UciHar:
    """The windows and the archive's hash."""

    x: NDArray[np.float32]
    """(10299, 128, 9), channels as SIGNALS; the official training set first."""
    y: NDArray[np.int64]
    """(10299,) index into LABELS."""
    person: NDArray[np.int64]
    """(10299,) 1 to 30."""
    sha256: str


def load(folder: Path) -> UciHar:
    """Load the whole set, from the archive in `folder` or from the cache.

    Raises DataError if the archive is missing, truncated, or not UCI HAR.
    """
    archive = Archive(locate(folder, FILES, "UCI HAR"), "train/y_train.txt")
    sha256 = archive.sha256()
    arrays = cached("uci-har", sha256, lambda: _parse(archive))
    return UciHar(
        x=arrays["x"].astype(np.float32, copy=False),
        y=arrays["y"].astype(np.int64, copy=False),
        person=arrays["person"].astype(np.int64, copy=False),
        sha256=sha256,
    )


def _parse(archive: Archive) -> Arrays:
    parts = [_parse_part(archive, part) for part in ("train", "test")]
    x, y, person = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return {"x": x, "y": y, "person": person}


def _parse_part(
    archive: Archive, part: str
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    labels = archive.numbers(f"{part}/y_{part}.txt", 1)[:, 0].astype(np.int64)
    person = archive.numbers(f"{part}/subject_{part}.txt", 1)[:, 0].astype(np.int64)
    x = np.empty((len(labels), 128, len(SIGNALS)), np.float32)
    for channel, signal in enumerate(SIGNALS):
        name = f"{part}/Inertial Signals/{signal}_{part}.txt"
        values = archive.numbers(name, 128)
        if len(values) != len(labels):
            raise DataError(
                f"{archive.path}: {name} has {len(values)} windows instead of {len(labels)}; "
                "fetch the archive again"
            )
        x[:, :, channel] = values
    if len(labels) != WINDOWS[part] or len(person) != len(labels):
        raise DataError(
            f"{archive.path}: {part} has {len(labels)} windows instead of {WINDOWS[part]}; "
            "fetch the archive again"
        )
    of_test = np.isin(person, sorted(TEST_PEOPLE))
    if not np.isin(labels, range(1, len(LABELS) + 1)).all() or np.any(of_test != (part == "test")):
        raise DataError(
            f"{archive.path}: {part} has other labels or people than UCI HAR; "
            "fetch the archive again"
        )
    return x, labels - 1, person
