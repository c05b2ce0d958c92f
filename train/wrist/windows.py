"""Labelled windows of the wearers' days, made by the device's signal path."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from device.mounting.estimator import MountingEstimator
from device.mounting.spec import MountingSpec
from device.signal.path import Window, windows_of
from device.signal.spec import SignalSpec
from train.datasets.columns import Columns
from train.datasets.piece import LYING
from train.wrist.wear_days import CLASSES, Day, Mark

UNLABELLED = -1
_LABELS = {name: index for index, name in enumerate(CLASSES)}


@dataclass(frozen=True, slots=True)
class WristWindows(Columns):
    """n windows: wearer after wearer, each in the order of time."""

    x: NDArray[np.float32]
    """(n, window, 9): rotated and scaled by the mounting estimated from walking so far."""
    y: NDArray[np.int64]
    """(n,): index into CLASSES; UNLABELLED for lying and for windows of two activities."""
    lying: NDArray[np.bool_]
    known: NDArray[np.bool_]
    """(n,): whether the mounting is known at that time."""
    start_s: NDArray[np.float64]
    wearer: NDArray[np.str_]
    person: NDArray[np.str_]
    dataset: NDArray[np.str_]
    detail: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.y)


def windows(days: Iterable[Day], spec: SignalSpec, orientation: MountingSpec) -> WristWindows:
    """Make the windows of each day with the device's signal path and mounting estimate."""
    columns: dict[str, list[object]] = {f.name: [] for f in fields(WristWindows)}
    for day in days:
        mounting = MountingEstimator(orientation, spec.rate_hz)
        unplaced = windows_of(day.samples, spec)
        for window, mark in zip(unplaced, marks_of(unplaced, day.marks), strict=True):
            x, known = mounting.place(window.x)
            row = {
                "x": x,
                "y": _LABELS.get(mark.activity, UNLABELLED) if mark else UNLABELLED,
                "lying": mark is not None and mark.activity == LYING,
                "known": known,
                "start_s": window.start_s,
                "wearer": day.wearer,
                "person": day.person,
                "dataset": day.dataset,
                "detail": mark.detail if mark else "",
            }
            for name, value in row.items():
                columns[name].append(value)
    return WristWindows(**{name: np.array(values) for name, values in columns.items()})


def marks_of(
    windows: Sequence[Window], marks: Sequence[Mark], slack_s: float = 0.1
) -> list[Mark | None]:
    """Return the mark of each window; None if it overlaps two marks by more than slack_s."""
    starts = np.array([mark.start_s for mark in marks])
    at = np.searchsorted(starts, [window.start_s + slack_s for window in windows], "right") - 1
    within = [marks[max(i, 0)] for i in at]
    return [
        mark if window.end_s <= mark.end_s + slack_s else None
        for window, mark in zip(windows, within, strict=True)
    ]
