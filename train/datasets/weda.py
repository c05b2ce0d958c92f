"""WEDA-FALL: a watch, daily activities and staged falls of seconds, young and old, 50 Hz."""

import re
from collections.abc import Iterator

import numpy as np

from firmware_bridge.samples import Float64, Samples
from train.datasets.archive import Archive, DataError
from train.datasets.piece import STANDARD_GRAVITY, UNKNOWN, Piece
from train.datasets.table import FLOAT, table, xyz
from train.datasets.wisdm import merge

NAME = "weda"
TITLE = "WEDA-FALL"
FILES = ("weda-fall.zip", "WEDA-FALL-main.zip", "WEDA-FALL-main", "WEDA-FALL")
ROOT = "dataset/50Hz/D01/U01_R01_accel.csv"

ACTIVITIES = {"D01": "walking", "D02": "running", "D03": "stairs", "D04": "", "D05": "", "D07": ""}
"""The others, D06 and D08 to D11, are unknown: crouching, jumping, hitting, clapping, a door.

D04, D05 and D07 mix activities: sitting down and getting up, a stumble while walking."""
NOMINAL_HZ = 50.0
BURST_S = 0.1
LOST_S = 0.22
"""Bursts come every 0.1 s; in a longer gap than this a packet is missing."""
FALL_S = 2.0
"""A fall is unknown from this long before its strongest impact to as long after; the rest of the
recording is ambiguous."""


def pieces(archive: Archive) -> Iterator[Piece]:
    """Yield each recording; a fall as three pieces: before, the fall, and after."""
    for name in archive.names:
        match = re.fullmatch(r"dataset/50Hz/([DF]\d\d)/((U\d+)_R\d+)_accel\.csv", name)
        if match is None:
            continue
        code, trial, who = match.groups()
        acc_t_s, acc = _track(archive, name, "accel")
        gyro_t_s, gyro = _track(archive, name.replace("_accel", "_gyro"), "gyro")
        samples = merge(acc_t_s, acc / STANDARD_GRAVITY, gyro_t_s, gyro)
        if not len(samples):
            raise DataError(f"{archive.path}: {name} and its gyro have no time in common")
        for activity, part in _parts(code, samples):
            yield Piece(
                person=f"{NAME}-{who}",
                dataset=NAME,
                wrist="",
                activity=activity,
                detail=code,
                samples=part,
                recording=f"{NAME}-{code}-{trial}",
            )


def _parts(code: str, samples: Samples) -> list[tuple[str, Samples]]:
    if code.startswith("D"):
        return [(ACTIVITIES.get(code, UNKNOWN), samples)]
    blow_s = samples.t_s[np.argmax(np.linalg.norm(samples.acc_g, axis=1))]
    first, end = np.searchsorted(samples.t_s, [blow_s - FALL_S, blow_s + FALL_S])
    parts = [("", samples[:first]), (UNKNOWN, samples[first:end]), ("", samples[end:])]
    return [(activity, part) for activity, part in parts if len(part)]


def _track(archive: Archive, name: str, kind: str) -> tuple[Float64, Float64]:
    columns = dict.fromkeys((f"{kind}_{column}_list" for column in ("time", "x", "y", "z")), FLOAT)
    lines = table(archive, name, columns, skip=1)
    time, *axes = columns
    # Packets of about 20 samples may arrive out of order; the stamps give the order.
    lines = lines[np.argsort(lines[time], kind="stable")]
    return even(lines[time], fall="/F" in name), xyz(lines, *axes)


def even(stamp_s: Float64, *, fall: bool) -> Float64:
    """Return the times of samples that were taken evenly, but stamped in bursts of five.

    In falls the publisher left out every fifth sample: in each recording, differences from each
    fourth sample to the next are 1.5 times the others. The rate is 50 Hz there too.
    """
    index = np.arange(len(stamp_s))
    if fall:
        index += index // 4
    lost = np.round((np.diff(stamp_s) - BURST_S) * NOMINAL_HZ)
    index[1:] += np.cumsum(np.where(np.diff(stamp_s) > LOST_S, lost, 0)).astype(np.int64)
    slope, offset = np.polyfit(index, stamp_s, 1)
    evenly: Float64 = offset + slope * index
    return evenly
