"""Checks that gyroscope and accelerometer agree, with the method of device.doctor.agreement."""

from collections import defaultdict
from collections.abc import Iterable

from scipy.signal import butter, sosfiltfilt

from device.doctor import agreement
from device.doctor.agreement import CUTOFF_HZ, RATE_HZ, Agreement
from firmware_bridge.samples import Float64, Samples
from train.datasets.piece import Piece
from train.datasets.wrist import recordings


def low_pass(x: Float64) -> Float64:
    """Filter like device.doctor.agreement.low_pass, fast enough for hours of samples."""
    sections = butter(2, CUTOFF_HZ, fs=RATE_HZ, output="sos")
    smooth: Float64 = sosfiltfilt(sections, x, axis=0)
    return smooth


def check(worn: Iterable[Samples]) -> Agreement | None:
    """Check all recordings of one sensor together; None if it has too little slow movement."""
    return agreement.check(worn, low_pass)


def check_people(pieces: Iterable[Piece]) -> dict[tuple[str, str], Agreement | None]:
    """Check each sensor, with all its recordings together; return results by person and wrist."""
    worn: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        worn[piece.person, piece.wrist].append(piece)
    return {who: check(recordings(theirs).values()) for who, theirs in sorted(worn.items())}
