"""Non-wear detection: a sensor that nobody wears is stiller than any resting arm.

Heartbeat and breathing turn a resting wrist measurably (Hernandez, McDuff, Picard: BioWatch, 2015;
the gyroscope showed them better than the accelerometer). The usual offline rule is a deviation of
acceleration below 13 mg for half an hour or more (van Hees et al. 2011 and 2013, as in GGIR; Duncan
et al. 2018 compare five such rules). That rule mistakes many resting arms for a table: in our data
the stillest worn sensors have an acceleration noise of 2 mg, that of an MPU-6050 itself. Angular
rate separates a seated wearer from a table within seconds: the stillest wearers are at twice the
threshold used here, the chip's noise (0.005 deg/s in sqrt(Hz), PS-MPU-6000A 6.1) at a quarter of
it. Angular rate does not separate an arm that lies on the floor: some lying people move less than
their sensor's noise. So a still minute only makes wear doubtful (`unknown`), and `not_worn` follows
after the shortest time in the literature, a quarter of an hour (Zhou et al. 2015). `edgehar report
worn` has the figures. Temperature would help if the sensor touched skin (Vert et al. 2022: it falls
0.4 degrees a minute). A chip in a box on a strap does not, so temperature is not used.
"""

import math
from dataclasses import asdict, dataclass
from operator import mul
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from device.files.spec_fields import matching, number
from firmware_bridge.errors import InputError


@dataclass(frozen=True, slots=True)
class NonwearSpec:
    """Parameters of `not_worn`, part of a bundle. Raises InputError if they are out of range."""

    gyro_rad_s: float = 0.002
    """A still window's angular rate deviates less than this from its mean (rms, all axes)."""
    body_g: float = 0.013
    """A still window's body acceleration is below this (rms, all axes): van Hees' noise of an
    accelerometer at rest. A sensor that is carried without turning is above."""
    doubt_after_s: float = 60.0
    """After this time of stillness wear is doubtful."""
    after_s: float = 900.0
    """After this time of stillness the sensor is not worn."""
    knock_s: float = 10.0
    """A movement up to this length, such as a knock at the table, does not end stillness."""
    turned_deg: float = 5.0
    """A turn by more than this angle ends stillness immediately."""

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            number(f"worn: {name}", getattr(self, name), low, high)
        if self.after_s < self.doubt_after_s:
            raise InputError("worn: after_s must not be below doubt_after_s")

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters in the form of the manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read the form of `to_dict`; raises InputError on missing, unknown or invalid fields."""
        return cls(**matching(cls, values, "worn"))


class NonwearDetector:
    """Takes the windows of one stream in turn, and counts the still ones: a gap adds no time."""

    def __init__(self, spec: NonwearSpec, hop_s: float) -> None:
        """Take hop_s, the time from one window to the next."""
        self._spec = spec
        self._hop_s = hop_s
        self._doubtful = math.ceil(spec.doubt_after_s / hop_s)
        self._enough = math.ceil(spec.after_s / hop_s)
        self._brief = math.floor(spec.knock_s / hop_s)
        self._alike = math.cos(math.radians(spec.turned_deg))
        self._still = self._moved = 0
        self._rest: list[float] | None = None

    @property
    def still_s(self) -> float:
        """Time for which the sensor has been still, without knocks; 0 when it moves."""
        return self._still * self._hop_s

    def see(self, x: NDArray[np.float32]) -> bool | None:
        """Take the next window (window, 9), in sensor axes; return whether the sensor is worn.

        None: wear is doubtful.
        """
        still = self._is_still(x)
        if self._rest is None and not still:
            return True
        toward = _direction(x)
        if self._rest is None or sum(map(mul, toward, self._rest)) < self._alike:
            self._begin(toward if still else None)
        elif still:
            self._still += 1
            self._moved = 0
        else:
            self._moved += 1
            if self._moved > self._brief:
                self._begin(None)
        if self._still < self._doubtful:
            return True
        return None if self._still < self._enough else False

    def _begin(self, rest: list[float] | None) -> None:
        self._rest, self._still, self._moved = rest, int(rest is not None), 0

    def _is_still(self, x: NDArray[np.float32]) -> bool:
        return body_g(x) < self._spec.body_g and rate_rad_s(x) < self._spec.gyro_rad_s


def body_g(x: NDArray[np.float32]) -> float:
    """Return the body acceleration of a window (window, 9): rms over time, all axes."""
    return math.sqrt(float(np.einsum("ij,ij->", x[:, 6:], x[:, 6:])) / len(x))


def rate_rad_s(x: NDArray[np.float32]) -> float:
    """Return the deviation of the angular rate of a window (window, 9): rms over time, all axes."""
    # The mean is mostly the gyroscope's bias.
    rate = x[:, 3:6] - x[:, 3:6].sum(axis=0, dtype=np.float64) / len(x)
    return math.sqrt(float(np.einsum("ij,ij->", rate, rate)) / len(x))


def _direction(x: NDArray[np.float32]) -> list[float]:
    mean = x[:, :3].sum(axis=0, dtype=np.float64).tolist()
    size = math.sqrt(sum(map(mul, mean, mean)))
    return [value / max(size, 1e-12) for value in mean]


_LIMITS = {
    "gyro_rad_s": (1e-5, 1.0),
    "body_g": (1e-4, 1.0),
    "doubt_after_s": (1.0, 1e5),
    "after_s": (1.0, 1e5),
    "knock_s": (0.0, 60.0),
    "turned_deg": (0.1, 180.0),
}
