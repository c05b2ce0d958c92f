"""Do gyro and accelerometer agree, in the data sets? The method: device/doctor/agreement.py."""

from collections import defaultdict
from collections.abc import Iterable

from scipy.signal import butter, sosfiltfilt

from device.doctor import agreement
from device.doctor.agreement import AXES, CUTOFF_HZ, RATE_HZ, Agreement
from firmware_bridge.samples import Float64, Samples
from train.datasets.wrist import Piece, recordings

__all__ = ["AXES", "Agreement", "check", "check_people", "low_pass"]


def low_pass(x: Float64) -> Float64:
    """Do what device.doctor.agreement.low_pass does, fast enough for hours."""
    sections = butter(2, CUTOFF_HZ, fs=RATE_HZ, output="sos")
    smooth: Float64 = sosfiltfilt(sections, x, axis=0)
    return smooth


def check(worn: Iterable[Samples]) -> Agreement | None:
    """Fit one sensor's recordings together; None where there is too little slow movement."""
    return agreement.check(worn, low_pass)


def check_people(pieces: Iterable[Piece]) -> dict[tuple[str, str], Agreement | None]:
    """Check each sensor worn: by person and wrist, all recordings together."""
    worn: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        worn[piece.person, piece.wrist].append(piece)
    return {who: check(recordings(theirs).values()) for who, theirs in sorted(worn.items())}
