"""WEDA-FALL: a watch, 50 Hz; young and elderly people, activities and staged falls of seconds."""

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
"""D04, D05 and D07 mix activities: sitting down and getting up, a stumble while walking.

D06 and D08 to D11 are unknown: crouching, jumping, hitting, clapping, opening a door."""
NOMINAL_HZ = 50.0
BURST_S = 0.1
LOST_S = 0.22
"""Bursts arrive every 0.1 s; a gap longer than this means that a packet is missing."""
FALL_S = 2.0
"""A fall is unknown from this time before its strongest impact to this time after it; the rest of
the recording is ambiguous."""


def pieces(archive: Archive) -> Iterator[Piece]:
    """Yield each recording as one piece; a fall as three: before, during and after it."""
    for name, match in archive.matching(r"dataset/50Hz/([DF]\d\d)/((U\d+)_R\d+)_accel\.csv"):
        code, trial, who = match.groups()
        acc_t_s, acc = _track(archive, name, "accel")
        gyro_t_s, gyro = _track(archive, name.replace("_accel", "_gyro"), "gyro")
        samples = merge(acc_t_s, acc / STANDARD_GRAVITY, gyro_t_s, gyro)
        if not len(samples):
            raise DataError(
                f"{archive.path}: {name} and its gyro file have no time in common; "
                "fetch the archive again"
            )
        for activity, part in _parts(code, samples):
            yield Piece(
                person=f"{NAME}-{who}",
                dataset=NAME,
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
    # Packets of about 20 samples may arrive out of order; the time stamps give the order.
    lines = lines[np.argsort(lines[time], kind="stable")]
    return even(lines[time], fall="/F" in name), xyz(lines, *axes)


def even(stamp_s: Float64, *, fall: bool) -> Float64:
    """Return the times of evenly sampled values whose time stamps come in bursts of five.

    In falls the publisher dropped every fifth sample of 50 Hz: in each recording, the differences
    from each fourth sample to the next are 1.5 times the others.
    """
    index = np.arange(len(stamp_s))
    if fall:
        index += index // 4
    lost = np.round((np.diff(stamp_s) - BURST_S) * NOMINAL_HZ)
    index[1:] += np.cumsum(np.where(np.diff(stamp_s) > LOST_S, lost, 0)).astype(np.int64)
    slope, offset = np.polyfit(index, stamp_s, 1)
    evenly: Float64 = offset + slope * index
    return evenly
