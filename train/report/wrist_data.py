"""Describes the wrist data sets: people, minutes, mounting, gyroscope against accelerometer."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from firmware_bridge.samples import Float64
from train.datasets.piece import ACTIVITIES, LABELS, LYING, Piece
from train.datasets.wrist import DATASETS, SOURCES, load
from train.studies.gyro_check import check_people

HEAD = [
    "",
    "people",
    "rate",
    *ACTIVITIES,
    "gyroscope against gravity: scale",
    "gyroscope against gravity: correlation",
    "published axes fit best",
]


def table(folder: Path) -> dict[str, Any]:
    """Return the figures of each data set by name; minutes count each wrist of a person.

    Raises DataError if one of DATASETS is missing or damaged.
    """
    return {name: _one(name, folder) for name in DATASETS}


def rows(figures: dict[str, Any]) -> list[list[str]]:
    """Return the rows under HEAD, one for each data set."""
    return [
        [
            name,
            str(of["people"]),
            f"{of['rate_hz']:.1f} Hz",
            *(f"{of['minutes'].get(label, 0):.0f} min" for label in ACTIVITIES),
            f"{of['gyro']['scale']:.2f}",
            f"{of['gyro']['correlation']:.2f}",
            f"{of['gyro']['as_it_is']} of {of['gyro']['checked']}",
        ]
        for name, of in figures.items()
    ]


def _one(name: str, folder: Path) -> dict[str, Any]:
    loaded = load(name, folder)
    periods_s = np.concatenate([np.diff(piece.samples.t_s) for piece in loaded.pieces])
    return {
        "title": SOURCES[name].title,
        "sha256": loaded.sha256,
        "people": len(loaded.people),
        "rate_hz": round(1 / float(np.median(periods_s)), 2),
        "minutes": {label: round(minutes, 1) for label, minutes in loaded.minutes.items()},
        "up": _up(loaded.pieces),
        "gyro": _gyro(loaded.pieces),
    }


def _up(pieces: Iterable[Piece]) -> dict[str, dict[str, Any]]:
    """Return the mean direction of up in the sensor's axes, by activity and wrist.

    `agreement` is the length of the mean over people: 1 if all have the same direction.
    """
    sums: dict[str, dict[str, Float64]] = defaultdict(lambda: defaultdict(lambda: np.zeros(3)))
    for piece in pieces:
        if piece.activity in (*LABELS, LYING):
            where = f"{piece.activity} {piece.wrist}".strip()
            sums[where][piece.person] += piece.samples.acc_g.sum(axis=0)
    means = {
        where: np.mean([total / np.linalg.norm(total) for total in people.values()], axis=0)
        for where, people in sorted(sums.items())
    }
    return {
        where: {
            "direction": np.round(mean / np.linalg.norm(mean), 2).tolist(),
            "agreement": round(float(np.linalg.norm(mean)), 2),
        }
        for where, mean in means.items()
    }


def _gyro(pieces: Iterable[Piece]) -> dict[str, Any]:
    checked = check_people(pieces)
    fits = {" ".join(who).strip(): fit for who, fit in checked.items() if fit is not None}
    return {
        "worn": len(checked),
        "checked": len(fits),
        "as_it_is": sum(fit.as_it_is for fit in fits.values()),
        "otherwise": [who for who, fit in fits.items() if not fit.as_it_is],
        "scale": round(float(np.median([fit.scale for fit in fits.values()])), 3),
        "correlation": round(float(np.median([fit.correlation for fit in fits.values()])), 3),
    }
