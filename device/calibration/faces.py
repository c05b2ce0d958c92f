"""Fits offset and scale of each accelerometer axis to six positions, each with another face up.

At rest the readings of an ideal accelerometer lie on a sphere of 1 g. With offsets and scales they
lie on an ellipsoid along the axes, which six points near its poles determine (ST, application note
AN4508). Only the length of gravity is used, not its direction, so no face needs to be level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from device.calibration.still import MOST_RAD_S, Still
from device.calibration.values import Calibration, Triple
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.samples import Float64

FACES: Final = ("+x", "-x", "+y", "-y", "+z", "-z")
"""Names of the faces: the axis that points up and reads 1 g."""
HOLD_S: Final = 3.0
MOST_TILT_DEG: Final = 20.0
_NO_FACE_DEG: Final = 42.0
"""Largest apparent tilt: with the largest errors, a level face appears tilted by 40 degrees."""


@dataclass(frozen=True, slots=True)
class Residual:
    """Rms difference from 1 g of the length of readings at rest, over some positions."""

    positions: int
    before_mg: float
    after_mg: float


@dataclass(frozen=True, slots=True)
class Result:
    """The fitted calibration and its residuals."""

    calibration: Calibration
    residuals: dict[str, Residual]
    """By place: at the six faces, over the last third of each, which is not fitted; and at tilted
    positions, which are not fitted and also show axes that are not at right angles."""


class SixFaces:
    """Collects times of rest until each of the six faces was up once, then fits."""

    def __init__(self) -> None:
        self._seen: dict[str, Still] = {}
        self._tilted: list[Still] = []
        self.result: Result | None = None

    @property
    def missing(self) -> list[str]:
        """Faces that are still needed."""
        return [face for face in FACES if face not in self._seen]

    def offer(self, still: Still) -> str:
        """Add a time of rest; return a message: how it is used, or why it is refused.

        Raises EdgeharError if the errors from all six faces are too large for a sensor.
        """
        face, tilt = face_up(still.acc_g)
        if tilt > _NO_FACE_DEG:
            self._tilted.append(still)
            return f"refused: tilted, {tilt:.0f} degrees from {face} up (kept as a check)"
        if face in self._seen:
            return f"refused: {face} up was seen already"
        self._seen[face] = still
        if self.missing:
            return f"{face} up: taken"
        return f"{face} up: taken{self._fit()}"

    def _fit(self) -> str:
        offset, scale = ellipsoid(np.array([self._seen[face].acc_g for face in FACES]))
        gyro = np.array([self._seen[face].gyro_rad_s for face in FACES])
        usual = np.median(gyro, axis=0)
        refused = []
        for face in FACES:
            up, tilt = face_up((self._seen[face].acc_g - offset) / scale)
            if up != face or tilt > MOST_TILT_DEG:
                self._tilted.append(self._seen.pop(face))
                refused.append(f"{face} was tilted by {tilt:.0f} degrees")
            elif np.abs(self._seen[face].gyro_rad_s - usual).max() > MOST_RAD_S:
                del self._seen[face]
                refused.append(f"{face} was being turned")
        if refused:
            return f"; repeat: {', '.join(refused)}"
        try:
            calibration = Calibration(rounded(offset), rounded(scale), rounded(gyro.mean(axis=0)))
        except InputError as error:
            raise EdgeharError(
                f"the errors are too large for a sensor of this kind: {error}; check its full"
                " scale, and hold it still six times"
            ) from error
        later = [self._seen[face].later_acc_g for face in FACES]
        residuals = {"at the six faces": residual(calibration, later)}
        if self._tilted:
            tilted = [still.acc_g for still in self._tilted]
            residuals["at tilted positions, not fitted"] = residual(calibration, tilted)
        self.result = Result(calibration, residuals)
        return ""


def face_up(acc_g: Float64) -> tuple[str, float]:
    """Return the face that points up most for a reading (3,), and its tilt in degrees."""
    axis = int(np.abs(acc_g).argmax())
    length = float(np.linalg.norm(acc_g))
    share = abs(float(acc_g[axis])) / length if length else 0.0
    return ("+" if acc_g[axis] > 0 else "-") + "xyz"[axis], float(np.degrees(np.arccos(share)))


def ellipsoid(readings_g: Float64) -> tuple[Float64, Float64]:
    """Return offset (3,) and scale (3,), g, such that |(reading - offset) / scale| is 1.

    `readings_g` (n, 3), at least six, near both ends of each axis. Raises EdgeharError if no
    ellipsoid fits them.
    """
    # sum((x - o)^2 / s^2) = 1, divided by its constant part, is linear in x^2 and x.
    design = np.hstack([readings_g**2, readings_g])
    terms = np.linalg.lstsq(design, np.ones(len(readings_g)), rcond=None)[0]
    squares, linear = terms[:3], terms[3:]
    if (squares <= 0).any():
        raise EdgeharError("no ellipsoid fits the six readings; check the sensor's full scale")
    offset = -linear / (2 * squares)
    scale = np.sqrt((1 + (squares * offset**2).sum()) / squares)
    return offset, scale


def residual(calibration: Calibration, readings_g: Sequence[Float64]) -> Residual:
    """Return the residual of readings (3,) at rest, with and without a calibration."""
    readings = np.array(readings_g)

    def rms_mg(acc_g: Float64) -> float:
        error_g = np.linalg.norm(acc_g, axis=1) - 1
        return round(1000 * float(np.sqrt((error_g**2).mean())), 2)

    return Residual(len(readings), rms_mg(readings), rms_mg(calibration.acc(readings)))


def rounded(values: Float64) -> Triple:
    """Return three values, rounded to six decimals as in the file."""
    x, y, z = (round(value, 6) for value in values.tolist())
    return x, y, z
