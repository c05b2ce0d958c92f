"""Daily and Sports Activities: Xsens units on both wrists, 25 Hz, five minutes an activity."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from firmware_bridge.samples import Float64, Samples
from train.datasets.archive import Archive, DataError
from train.datasets.piece import STANDARD_GRAVITY, UNKNOWN, Piece

NAME = "daily-sports"
TITLE = "Daily and Sports Activities"
FILES = ("daily-sports.zip", "daily+and+sports+activities.zip", "Daily and Sports Activities")
ROOT = "data/a01/p1/s01.txt"

RATE_HZ = 25.0
COLUMNS = 45
ARMS = {"right": slice(9, 15), "left": slice(18, 24)}
"""Nine columns for each place: torso, right arm, left arm, right leg, left leg. The last three of
each nine are the compass."""
ACTIVITIES = {
    "a01": "sitting",
    "a02": "standing",
    "a03": "lying",
    "a04": "lying",
    "a05": "stairs",
    "a06": "stairs",
    "a07": "",  # standing in a lift
    "a08": "",  # moving about in a lift
    "a09": "walking",
    "a10": "walking",
    "a11": "walking",
    "a12": "running",
}
"""a03 on the back, a04 on the right side; a10 and a11 on a treadmill, flat and uphill."""


def pieces(archive: Archive) -> Iterator[Piece]:
    """Yield each person's activities; the publisher's segments of five seconds are joined.

    The publisher padded segments of four seconds with zeros (stairs of two people, jumping of one).
    The next segment continues where the zeros begin, so zeros are dropped. On stairs, segments of
    people 2, 3 and 4 are not consecutive: the gait jumps every 5 s.
    """
    segments: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, match in archive.matching(r"data/(a\d\d)/p(\d)/s\d\d\.txt"):
        segments[match[2], match[1]].append(name)
    for (number, activity), names in sorted(segments.items()):
        rows = np.concatenate([_segment(archive, name) for name in names])
        person = f"{NAME}-{number}"
        for wrist, columns in ARMS.items():
            t_s = np.arange(len(rows)) / RATE_HZ
            acc_m_s2, gyro_rad_s = np.split(rows[:, columns], 2, axis=1)
            yield Piece(
                person=person,
                dataset=NAME,
                wrist=wrist,
                activity=ACTIVITIES.get(activity, UNKNOWN),
                detail=activity,
                samples=Samples(t_s, acc_m_s2 / STANDARD_GRAVITY, gyro_rad_s),
                recording=f"{person}-{activity}-{wrist}",
            )


def _segment(archive: Archive, name: str) -> Float64:
    rows = archive.numbers(name, COLUMNS)
    if not rows.any():
        raise DataError(f"{archive.path}: {name} has zeros only; fetch the archive again")
    measured: Float64 = rows[rows.any(axis=1)]
    return measured
