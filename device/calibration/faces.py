"""Six faces up, one after another: offset and scale of each accelerometer axis.

At rest an ideal accelerometer reads a point on a sphere of 1 g; offsets and scales make of it an
ellipsoid along the axes, which six points near its poles determine (ST, application note AN4508).
So no face needs to be level: only the length of gravity is used, not its direction.
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
"""Each is named by the axis that points up and reads 1 g."""
HOLD_S: Final = 3.0
MOST_TILT_DEG: Final = 20.0
_NO_FACE_DEG: Final = 42.0
"""Of apparent tilt: the worst offsets and scales let a level face look tilted by 40 degrees."""


@dataclass(frozen=True, slots=True)
class Residual:
    """How far from 1 g the length of a reading at rest is, rms over some positions."""

    positions: int
    before_mg: float
    after_mg: float


@dataclass(frozen=True, slots=True)
class Result:
    """The fitted calibration and its residuals."""

    calibration: Calibration
    residuals: dict[str, Residual]
    """By where: at the six faces over the last third of each, which was not fitted; and at
    positions that were no face and so not fitted, which show axes that are not square too."""


class SixFaces:
    """Collects times of rest until each of the six faces was up once."""

    def __init__(self) -> None:
        self._seen: dict[str, Still] = {}
        self._tilted: list[Still] = []
        self.result: Result | None = None

    @property
    def missing(self) -> list[str]:
        """Faces that have not been up yet."""
        return [face for face in FACES if face not in self._seen]

    def offer(self, still: Still) -> str:
        """Take a time of rest. Return in words how it is used, or why it is refused.

        Raises:
            EdgeharError: all six are there and no sensor reads like that.

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
        said = []
        for face in FACES:
            found, tilt = face_up((self._seen[face].acc_g - offset) / scale)
            if found != face or tilt > MOST_TILT_DEG:
                self._tilted.append(self._seen.pop(face))
                said.append(f"{face} was tilted by {tilt:.0f} degrees")
            elif np.abs(self._seen[face].gyro_rad_s - usual).max() > MOST_RAD_S:
                del self._seen[face]
                said.append(f"{face} was being turned")
        if said:
            return f"; but {', '.join(said)}: again, please"
        try:
            calibration = Calibration(rounded(offset), rounded(scale), rounded(gyro.mean(axis=0)))
        except InputError as error:
            raise EdgeharError(
                f"no sensor of this kind is so far off: {error}; is its full scale right,"
                " and was it held still six times?"
            ) from error
        later = [self._seen[face].later_acc_g for face in FACES]
        residuals = {"at the six faces": residual(calibration, later)}
        if self._tilted:
            others = [still.acc_g for still in self._tilted]
            residuals["at tilted positions, not fitted"] = residual(calibration, others)
        self.result = Result(calibration, residuals)
        return ""


def face_up(acc_g: Float64) -> tuple[str, float]:
    """Say which of FACES is nearest to up for a reading (3,), and by how many degrees it tilts."""
    axis = int(np.abs(acc_g).argmax())
    length = float(np.linalg.norm(acc_g))
    share = abs(float(acc_g[axis])) / length if length else 0.0
    return ("+" if acc_g[axis] > 0 else "-") + "xyz"[axis], float(np.degrees(np.arccos(share)))


def ellipsoid(readings_g: Float64) -> tuple[Float64, Float64]:
    """Give offset (3,) and scale (3,), g, such that |(reading - offset) / scale| is 1.

    `readings_g` (n, 3), at least six, near both ends of each axis. Raises EdgeharError if no
    ellipsoid goes through them.
    """
    # sum((x - o)^2 / s^2) = 1 is linear in x^2 and x once divided by what is constant.
    design = np.hstack([readings_g**2, readings_g])
    found = np.linalg.lstsq(design, np.ones(len(readings_g)), rcond=None)[0]
    squares, lines = found[:3], found[3:]
    if (squares <= 0).any():
        raise EdgeharError("the six readings fit no sensor; is its full scale right?")
    offset = -lines / (2 * squares)
    scale = np.sqrt((1 + (squares * offset**2).sum()) / squares)
    return offset, scale


def residual(calibration: Calibration, readings_g: Sequence[Float64]) -> Residual:
    """Say what a calibration does for the lengths of readings (3,) at rest."""
    readings = np.array(readings_g)

    def rms_mg(acc_g: Float64) -> float:
        off = np.linalg.norm(acc_g, axis=1) - 1
        return round(1000 * float(np.sqrt((off**2).mean())), 2)

    return Residual(len(readings), rms_mg(readings), rms_mg(calibration.acc(readings)))


def rounded(values: Float64) -> Triple:
    """Give three values to a millionth, as a file holds them."""
    x, y, z = (round(value, 6) for value in values.tolist())
    return x, y, z
