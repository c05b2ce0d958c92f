"""SP-SW-HAR: a smartwatch, short sequences of sitting, getting up, walking and turning, 104 Hz."""

import itertools
from collections.abc import Iterator

import numpy as np

from firmware_bridge.samples import Samples
from train.datasets.archive import Archive
from train.datasets.piece import STANDARD_GRAVITY, UNKNOWN, Piece
from train.datasets.table import FLOAT, WORD, table, xyz

NAME = "sp-sw"
TITLE = "SP-SW-HAR (the smartwatch)"
FILES = ("sp-sw-har.zip", "sp-sw-har-dataset.zip", "sp-sw-har-dataset")
ROOT = "DATA/s01/s01_01_sw.csv"

ACTIVITIES = {"SEATED": "sitting", "WALKING": "walking"}
"""The other labels are unknown, one or two seconds each: STANDING_UP, SITTING_DOWN, TURNING."""

_COLUMNS = {
    **dict.fromkeys(("x_acc", "y_acc", "z_acc", "x_gyro", "y_gyro", "z_gyro", "ms"), FLOAT),
    "label": WORD,
}


def pieces(archive: Archive) -> Iterator[Piece]:
    """Yield each run of one label in each recording."""
    for name, match in archive.matching(r"DATA/(s\d+)/(s\d+_\d+)_sw\.csv"):
        lines = table(archive, name, _COLUMNS, skip=1)
        # The watch delivers up to five samples together and stamps the delivery, in whole ms. The
        # sensor's rate is constant, so a line is fitted.
        index = np.arange(len(lines))
        slope, offset = np.polyfit(index, (lines["ms"] - lines["ms"][0]) / 1000, 1)
        t_s = offset + slope * index
        acc_g = xyz(lines, "x_acc", "y_acc", "z_acc") / STANDARD_GRAVITY
        samples = Samples(t_s - t_s[0], acc_g, xyz(lines, "x_gyro", "y_gyro", "z_gyro"))
        label = lines["label"]
        bounds = [0, *(1 + np.flatnonzero(label[1:] != label[:-1])).tolist(), len(lines)]
        for first, end in itertools.pairwise(bounds):
            detail = str(label[first])
            yield Piece(
                person=f"{NAME}-{match[1]}",
                dataset=NAME,
                activity=ACTIVITIES.get(detail, UNKNOWN),
                detail=detail,
                samples=samples[first:end],
                recording=f"{NAME}-{match[2]}",
            )
