"""The data sets that edgehar knows: where their publishers have them, and what must be in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.datasets import hapt, uci_har
from train.datasets.archive import Archive, DataError, locate
from train.datasets.waist import LABELS, TEST_PEOPLE

TERMS = "Free for research with citation; not for commercial use (the publisher's terms)."


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set."""

    name: str
    title: str
    files: tuple[str, ...]
    """Names it goes by in the data folder, the first preferred."""
    root: str
    """A file that the archive must hold."""
    source: str
    """Where the publisher offers it."""
    citation: str
    check: Callable[[Path], list[str]]
    """Parse all of it and give what was found, a line each. Raises DataError."""

    def find(self, folder: Path) -> Path | None:
        """Say where it lies in a data folder, if it does."""
        try:
            return locate(folder, self.files, self.title)
        except DataError:
            return None

    def sha256(self, path: Path) -> str:
        """Hash the archive. Raises DataError."""
        return Archive(path, self.root).sha256()


def _check_uci_har(folder: Path) -> list[str]:
    har = uci_har.load(folder)
    in_test = np.isin(har.person, sorted(TEST_PEOPLE))
    lines = [
        f"windows: {np.sum(~in_test)} to train on, {np.sum(in_test)} to test on",
        f"people: {len(np.unique(har.person))}",
    ]
    counts = np.bincount(har.y, minlength=len(LABELS))
    lines += [f"{label}: {count} windows" for label, count in zip(LABELS, counts, strict=True)]
    return lines


def _check_hapt(folder: Path) -> list[str]:
    recordings = hapt.load(folder)
    people = recordings.people
    hours = sum(len(recording.samples) for recording in recordings.recordings) / hapt.RATE_HZ / 3600
    lines = [
        f"recordings: {len(recordings.recordings)}, {hours:.2f} h at {hapt.RATE_HZ:g} Hz",
        f"people: {len(people)}, of them {len(people & TEST_PEOPLE)} to test on",
    ]
    for label in LABELS:
        seconds = sum(
            (segment.end - segment.first) / hapt.RATE_HZ
            for recording in recordings.recordings
            for segment in recording.segments
            if segment.activity == label
        )
        lines.append(f"{label}: {seconds / 60:.1f} min")
    return lines


CATALOGUE = (
    Entry(
        name="uci-har",
        title="UCI HAR, Human Activity Recognition Using Smartphones",
        files=uci_har.FILES,
        root="train/y_train.txt",
        source="https://doi.org/10.24432/C54S4K",
        citation="D. Anguita, A. Ghio, L. Oneto, X. Parra, J. L. Reyes-Ortiz. A public domain "
        "dataset for human activity recognition using smartphones. ESANN 2013.",
        check=_check_uci_har,
    ),
    Entry(
        name="hapt",
        title="HAPT, Smartphone-Based Recognition of Human Activities and Postural Transitions",
        files=hapt.FILES,
        root="RawData/labels.txt",
        source="https://doi.org/10.24432/C54G7M",
        citation="J. L. Reyes-Ortiz, L. Oneto, A. Sama, X. Parra, D. Anguita. Transition-aware "
        "human activity recognition using smartphones. Neurocomputing 171, 2016.",
        check=_check_hapt,
    ),
)
