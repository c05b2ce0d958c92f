"""Is the sensor on a body? One that nobody wears is stiller than any arm at rest.

Heart and breath turn a resting wrist measurably (Hernandez, McDuff, Picard: BioWatch, 2015, where
the gyroscope told them better than the accelerometer); a table does not. The usual offline rule
is deviations of acceleration below 13 mg for half an hour and more (van Hees et al. 2011 and 2013,
as in GGIR; Duncan et al. 2018 compare five such), which takes many a resting arm for a table:
acceleration of the stillest worn ones in our data is at the noise of an MPU-6050, 2 mg. By angular
rate whoever sits is told from a table within seconds: the stillest are at twice the threshold here,
the chip's noise (0.005 deg/s in sqrt(Hz), PS-MPU-6000A 6.1) is at a quarter. An arm that lies on
the floor is not: of some lying people it moves less than their sensor's noise. So soon it is only
doubted that the sensor is worn, and said that it is not after the shortest time in the literature,
a quarter of an hour (Zhou et al. 2015). `edgehar report worn` has the figures.
Temperature would help where a sensor touches skin (Vert et al. 2022: it falls 0.4 degrees a
minute); a chip in a box on a strap says little of skin, so it is left out.
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
    """The numbers of `not_worn`: part of a bundle. Raises InputError when they make no sense."""

    gyro_rad_s: float = 0.002
    """Still is a window whose angular rate deviates less from its mean, rms over all axes …"""
    body_g: float = 0.013
    """… and whose body acceleration is less, likewise: van Hees' noise of an accelerometer at
    rest. It only tells what is carried along without turning."""
    doubt_after_s: float = 60.0
    """What has been still for so long may be worn or not …"""
    after_s: float = 900.0
    """… and what has been for so long is not …"""
    knock_s: float = 10.0
    """… but for movements no longer than this: knocks at the table, which end nothing …"""
    turned_deg: float = 5.0
    """… and has not turned by more, which ends it at once."""

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            number(f"worn: {name}", getattr(self, name), low, high)
        if self.after_s < self.doubt_after_s:
            raise InputError("worn: after_s must not be below doubt_after_s")

    def to_dict(self) -> dict[str, Any]:
        """Return it as the manifest keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read what to_dict wrote; raises InputError on what is missing, unknown or senseless."""
        return cls(**matching(cls, values, "worn"))


class NonwearDetector:
    """Takes the windows of one stream in turn; counts them, so a hole in it adds nothing."""

    def __init__(self, spec: NonwearSpec, hop_s: float) -> None:
        """Take the time from one window to the next, seconds."""
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
        """For how long the sensor has been still, knocks left out; 0 as soon as it is not."""
        return self._still * self._hop_s

    def see(self, x: NDArray[np.float32]) -> bool | None:
        """Take the next window (window, 9), in axes fixed to the sensor; say whether it is worn.

        None: it has been too still to say.
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
    """Return body acceleration in a window (window, 9), rms over time, all axes."""
    return math.sqrt(float(np.einsum("ij,ij->", x[:, 6:], x[:, 6:])) / len(x))


def rate_rad_s(x: NDArray[np.float32]) -> float:
    """Return the deviation of angular rate in a window (window, 9), rms over time, all axes."""
    # The mean is the gyro's bias more than any turning.
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
