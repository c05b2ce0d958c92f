"""A real MPU-6050 on the wrist: WISDM's first five activities, 20 Hz, no timestamps."""

from collections.abc import Iterator

import numpy as np

from firmware_bridge.samples import Samples
from train.datasets.archive import Archive, DataError
from train.datasets.piece import Piece
from train.datasets.table import FLOAT, WORD, table, xyz

NAME = "mpu6050"
TITLE = "MPU-6050 on the wrist"
FILES = ("mpu6050-wrist.zip", "mpu6050-wrist")
ROOT = "accel/data_1_accel_watch.txt"

RATE_HZ = 20.0
COUNTS_PER_G = 8.0
"""The publisher's value of 1 g: the sensor had a range of ±2 g, and the publisher scaled its counts
for ±16 g."""
GYRO_SIGN = -1.0
"""The publisher's gyroscope axes are opposite to the accelerometer's axes; train.studies.gyro_check
shows it."""
ACTIVITIES = {"A": "walking", "B": "running", "C": "stairs", "D": "sitting", "E": "standing"}

_COLUMNS = {"person": WORD, "letter": WORD, "index": FLOAT, "x": FLOAT, "y": FLOAT, "z": FLOAT}


def pieces(archive: Archive) -> Iterator[Piece]:
    """Yield each person's activities."""
    for name, match in archive.matching(r"accel/data_(\d+)_accel_watch\.txt"):
        acc = table(archive, name, _COLUMNS)
        gyro = table(archive, name.replace("accel", "gyro"), _COLUMNS)
        same = ["letter", "index"]
        if len(acc) != len(gyro) or not (acc[same] == gyro[same]).all():
            raise DataError(
                f"{archive.path}: {name} and its gyro file differ in length or labels; "
                "fetch the archive again"
            )
        person = f"{NAME}-{match[1]}"
        for letter in sorted(set(acc["letter"].tolist()) & set(ACTIVITIES)):
            mine = acc["letter"] == letter
            t_s = (acc["index"][mine] - acc["index"][mine][0]) / RATE_HZ
            gyro_deg_s = GYRO_SIGN * xyz(gyro[mine], "x", "y", "z")
            acc_g = xyz(acc[mine], "x", "y", "z") / COUNTS_PER_G
            yield Piece(
                person=person,
                dataset=NAME,
                activity=ACTIVITIES[letter],
                detail=letter,
                samples=Samples(t_s, acc_g, np.radians(gyro_deg_s)),
                recording=f"{person}-{letter}",
            )
