"""WISDM 2019: a watch on the dominant wrist, 18 activities of three minutes, 20 Hz."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64, Samples
from train.datasets.archive import Archive
from train.datasets.piece import STANDARD_GRAVITY, UNKNOWN, Piece
from train.datasets.table import FLOAT, WORD, table, xyz

NAME = "wisdm"
TITLE = "WISDM Smartphone and Smartwatch Activity and Biometrics (the watch)"
FILES = (
    "wisdm-watch.zip",
    "wisdm-dataset.zip",
    "wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset.zip",
    "wisdm-dataset",
)
ROOT = "raw/watch/accel/data_1600_accel_watch.txt"

ACTIVITIES = {"A": "walking", "B": "running", "C": "stairs", "D": "sitting", "E": "standing"}
"""The other letters, F to S, are unknown: typing, eating, clapping, folding clothes …"""

LONGEST_GAP_S = 0.25
"""Longest gap across which the gyroscope is interpolated."""
THIN_S = 0.045
"""The watches of nine people ran at 100 Hz for a while; means over this time restore 20 Hz."""

_COLUMNS = {"person": WORD, "letter": WORD, "ns": FLOAT, "x": FLOAT, "y": FLOAT, "z": FLOAT}


def pieces(archive: Archive) -> Iterator[Piece]:
    """Yield each person's activities, with accelerometer and gyroscope at common times."""
    for name, match in archive.matching(r"raw/watch/accel/data_(\d+)_accel_watch.txt"):
        acc = _read(archive, name)
        gyro = _read(archive, name.replace("accel", "gyro"))
        for letter in sorted(set(acc["letter"]) & set(gyro["letter"])):
            person = f"{NAME}-{match[1]}"
            acc_t_s, acc_m_s2 = _track(acc, letter)
            samples = merge(acc_t_s, acc_m_s2 / STANDARD_GRAVITY, *_track(gyro, letter))
            yield Piece(
                person=person,
                dataset=NAME,
                activity=ACTIVITIES.get(letter, UNKNOWN),
                detail=letter,
                samples=thin(samples),
                recording=f"{person}-{letter}",
            )


def merge(t_s: Float64, acc_g: Float64, gyro_t_s: Float64, gyro_rad_s: Float64) -> Samples:
    """Interpolate the gyroscope at the accelerometer's times.

    Drop times before the first or after the last gyroscope sample, or in a gap of more than
    LONGEST_GAP_S.
    """
    after = np.searchsorted(gyro_t_s, t_s)
    inside = (t_s >= gyro_t_s[0]) & (t_s <= gyro_t_s[-1])
    exact = gyro_t_s[np.minimum(after, len(gyro_t_s) - 1)] == t_s
    gap_s = np.diff(gyro_t_s, prepend=-np.inf, append=np.inf)[after]
    keep = inside & (exact | (gap_s <= LONGEST_GAP_S))
    gyro = [np.interp(t_s[keep], gyro_t_s, axis) for axis in gyro_rad_s.T]
    return Samples(t_s[keep], acc_g[keep], np.stack(gyro, axis=1))


def thin(samples: Samples) -> Samples:
    """Average samples faster than 20 Hz to 20 Hz; leave slower samples unchanged."""
    first, start_s = [], -np.inf
    for i, t_s in enumerate(samples.t_s.tolist()):
        if t_s - start_s >= THIN_S:
            first.append(i)
            start_s = t_s
    if len(first) == len(samples):
        return samples
    count = np.diff(first, append=len(samples))[:, None]
    rows = np.column_stack([samples.t_s, samples.acc_g, samples.gyro_rad_s])
    rows = np.add.reduceat(rows, first, axis=0) / count
    return Samples(rows[:, 0], rows[:, 1:4], rows[:, 4:])


def _read(archive: Archive, name: str) -> NDArray[np.void]:
    columns = _COLUMNS
    if archive.read(name).partition(b"\n")[0].count(b",") == len(columns):
        columns = {"row": WORD, **columns}  # one person's accelerometer file numbers its lines
    return table(archive, name, columns)


def _track(lines: NDArray[np.void], letter: str) -> tuple[Float64, Float64]:
    mine = lines[lines["letter"] == letter]
    mine = mine[np.unique(mine["ns"], return_index=True)[1]]
    values = xyz(mine, "x", "y", "z")
    return mine["ns"] * 1e-9, values
