"""The data sets that edgehar supports: their sources, citations and checks."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from train.datasets import hapt, uci_har, wrist
from train.datasets.archive import Archive, DataError, locate
from train.datasets.waist import LABELS, TEST_PEOPLE

TERMS = (
    "Terms of the publishers, who all require citation: uci-har and hapt: free for research, not "
    "for commercial use; wisdm, daily-sports and sp-sw: CC BY 4.0; weda and mpu6050: ask the "
    "publisher."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A data set."""

    name: str
    title: str
    files: tuple[str, ...]
    """Possible names in the data folder, the first preferred."""
    root: str
    """A file that the archive must contain."""
    source: str
    """The publisher's address."""
    citation: str
    check: Callable[[Path], list[str]]
    """Parses the archive in a data folder and returns a summary, line by line. Raises DataError."""

    def find(self, folder: Path) -> Path | None:
        """Return the archive's path in a data folder; None if it is missing."""
        try:
            return locate(folder, self.files, self.title)
        except DataError:
            return None

    def sha256(self, path: Path) -> str:
        """Return the archive's hash. Raises DataError."""
        return Archive(path, self.root).sha256()


def _check_uci_har(folder: Path) -> list[str]:
    har = uci_har.load(folder)
    in_test = np.isin(har.person, sorted(TEST_PEOPLE))
    lines = [
        f"windows: {np.sum(~in_test)} to train on, {np.sum(in_test)} to test on",
        f"people: {len(np.unique(har.person))}",
    ]
    counts = np.bincount(har.y, minlength=len(LABELS)).tolist()
    lines += [f"{label}: {count} windows" for label, count in zip(LABELS, counts, strict=True)]
    return lines


def _check_hapt(folder: Path) -> list[str]:
    recordings = hapt.load(folder)
    people = recordings.people
    hours = sum(len(recording.samples) for recording in recordings.recordings) / hapt.RATE_HZ / 3600
    lines = [
        f"recordings: {len(recordings.recordings)}, {hours:.2f} h at {hapt.RATE_HZ:g} Hz",
        f"people: {len(people)}, {len(people & TEST_PEOPLE)} of them to test on",
    ]
    seconds: dict[str, float] = defaultdict(float)
    for recording in recordings.recordings:
        for segment in recording.segments:
            seconds[segment.activity] += (segment.end - segment.first) / hapt.RATE_HZ
    return lines + [f"{label}: {seconds[label] / 60:.1f} min" for label in LABELS]


def _check_wrist(name: str, folder: Path) -> list[str]:
    loaded = wrist.load(name, folder)
    wrists = len({(piece.person, piece.wrist) for piece in loaded.pieces})
    return [
        f"people: {len(loaded.people)}, {wrists} wrists",
        *(
            f"{label or 'ambiguous, not used'}: {minutes:.1f} min"
            for label, minutes in loaded.minutes.items()
        ),
    ]


def _wrist(name: str, source: str, citation: str) -> Entry:
    known, check = wrist.SOURCES[name], partial(_check_wrist, name)
    return Entry(name, known.title, known.files, known.root, source, citation, check)


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
    _wrist(
        "wisdm",
        "https://doi.org/10.24432/C5HK59",
        "G. M. Weiss, K. Yoneda, T. Hayajneh. Smartphone and smartwatch-based biometrics using "
        "activities of daily living. IEEE Access 7, 2019.",
    ),
    _wrist(
        "daily-sports",
        "https://doi.org/10.24432/C5C59F",
        "K. Altun, B. Barshan, O. Tuncel. Comparative study on classifying human activities with "
        "miniature inertial and magnetic sensors. Pattern Recognition 43(10), 2010.",
    ),
    _wrist(
        "sp-sw",
        "https://doi.org/10.5281/zenodo.8398688",
        "M. Matey-Sanz, S. Casteleyn, C. Granell. Dataset of inertial measurements of smartphones "
        "and smartwatches for human activity recognition. Data in Brief, 2023.",
    ),
    _wrist(
        "weda",
        "https://github.com/joaojtmarques/WEDA-FALL",
        "J. Marques, P. Moreno. Online fall detection using wrist devices. Sensors 23(3), 2023.",
    ),
    _wrist(
        "mpu6050",
        "no public address is known",
        "Seven wearers of an MPU-6050 at the wrist, in the layout of WISDM.",
    ),
)
