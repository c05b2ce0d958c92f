"""Wearer axes and vigour, from the windows in which the wearer walks.

While a wearer walks the arm hangs, so mean acceleration points from the hand to the elbow: against
x. The arm swings about an axis through the wearer's sides: z is the principal axis of angular rate
perpendicular to x. The sign of z comes from the correlation of acceleration along x with the rate
of the swing, on either wrist (right in 43 of 50 wearers of two watches after a minute or two of
walking). Vigour is the angular rate and the body acceleration of the wearer's own walking.
"""

import math
from collections.abc import Mapping
from operator import mul
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from device.mounting.spec import MountingSpec
from firmware_bridge.errors import InputError

NOT_A_MOUNTING: Final = "the file is not a mounting that this version saved"
_SHAPES: dict[str, tuple[int, ...]] = {
    "gravity": (3,),
    "swing": (3, 3),
    "reach": (3, 3),
    "rate": (),
    "body": (),
}


class Frame:
    """Running sums over walking windows; float64, one window at a time, independent of chunking."""

    def __init__(self, spec: MountingSpec) -> None:
        self._spec = spec
        self._keeps = math.exp(-1 / spec.memory_windows)
        self._sums = {name: np.zeros(shape) for name, shape in _SHAPES.items()}
        self._windows = 0.0
        self._axes: list[list[float]] | None = None

    @property
    def axes(self) -> list[list[float]] | None:
        """(3, 3) proper rotation from sensor to wearer axes; None before the first walk."""
        return self._axes

    @property
    def windows(self) -> float:
        """Weight of all walking windows so far; older windows weigh less."""
        return self._windows

    @property
    def confidence(self) -> float:
        """0 to 1: the smaller of two scores, number of windows and agreement of their gravity."""
        if self._axes is None or not self._windows:
            return 0.0
        spec, windows = self._spec, self._windows
        steady = _length(self._sums["gravity"].tolist()) / windows
        agreed = (steady - spec.steady_gravity) / (1 - spec.steady_gravity)
        return max(0.0, min(1.0, windows / spec.enough_windows, agreed))

    @property
    def own_rate_rad_s(self) -> float:
        """Angular rate while walking, rms over time, all axes; typical before the first walk."""
        return self._own("rate", self._spec.typical_rate_rad_s)

    @property
    def own_body_g(self) -> float:
        """Body acceleration while walking, rms over time, all axes; typical before the first."""
        return self._own("body", self._spec.typical_body_g)

    def angle_deg(self, x: NDArray[np.float32]) -> float:
        """Return the angle, 0 to 180, from the mean acceleration of walking to that of a window."""
        if self._axes is None:
            return 0.0
        mean = x[:, :3].sum(axis=0, dtype=np.float64).tolist()
        along = -sum(map(mul, mean, self._axes[0])) / max(_length(mean), 1e-12)
        return math.degrees(math.acos(max(-1.0, min(1.0, along))))

    def see(self, x: NDArray[np.float32]) -> None:
        """Add a walking window (window, 9), in sensor axes."""
        moves = x[:, :6].astype(np.float64)
        mean = moves.sum(axis=0) / len(x)
        moves -= mean
        gravity, products = mean[:3], moves.T @ moves
        swing, reach = products[3:, 3:], products[:3, 3:]
        # Normalised, so that every window has the same weight, however hard the arm swings.
        moving, turning = float(products[:3, :3].trace()), float(swing.trace())
        size = _length(gravity.tolist())
        if min(turning, moving, size) <= 0:
            return
        reach = reach / math.sqrt(turning * moving)
        self.fade(self._keeps)
        self._windows += 1
        self._sums["gravity"] += gravity / size
        self._sums["swing"] += swing / turning
        self._sums["reach"] += reach
        self._sums["rate"] += turning / len(x)
        self._sums["body"] += np.square(x[:, 6:], dtype=np.float64).sum() / len(x)
        self._turn()

    def fade(self, share: float) -> None:
        """Multiply the weight of all earlier windows by a share, 0 to 1."""
        self._windows *= share
        self._sums = {name: values * share for name, values in self._sums.items()}

    def to_state(self) -> dict[str, Any]:
        """Return the sums as JSON values."""
        sums = {name: values.ravel().tolist() for name, values in self._sums.items()}
        return {"windows": self._windows, **sums}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the form of `to_state`; raises InputError on another form."""
        try:
            sums = {
                name: np.array(state[name], np.float64).reshape(shape)
                for name, shape in _SHAPES.items()
            }
            windows = float(state["windows"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(NOT_A_MOUNTING) from error
        whole = np.concatenate([[windows], *(values.ravel() for values in sums.values())])
        least = min(windows, float(sums["rate"]), float(sums["body"]))
        if not np.isfinite(whole).all() or least < 0 or abs(whole).max() > 1e9:
            raise InputError(NOT_A_MOUNTING)
        self._sums, self._windows = sums, windows
        if windows > 0:
            self._turn()

    def _own(self, name: str, typical: float) -> float:
        spec = self._spec
        known = spec.prior_windows * typical**2 + float(self._sums[name])
        return math.sqrt(known / (spec.prior_windows + self._windows))

    def _turn(self) -> None:
        gravity = self._sums["gravity"].tolist()
        size = _length(gravity)
        if size <= 0:
            return
        swing, reach = self._sums["swing"].tolist(), self._sums["reach"].tolist()
        x = [-value / size for value in gravity]
        # Any two directions perpendicular to x: the principal axis does not depend on the choice.
        least = min(range(3), key=lambda axis: abs(x[axis]))
        one = _across(x, [float(axis == least) for axis in range(3)])
        one = [value / _length(one) for value in one]
        two = _across(x, one)
        unequal = _between(one, swing, one) - _between(two, swing, two)
        half = 0.5 * math.atan2(2 * _between(one, swing, two), unequal)
        z = [math.cos(half) * a + math.sin(half) * b for a, b in zip(one, two, strict=True)]
        if _between(x, reach, z) < 0:
            z = [-value for value in z]
        self._axes = [x, _across(z, x), z]


# Plain floats: for three numbers a call of numpy takes longer than the arithmetic itself.
def _between(left: list[float], middle: list[list[float]], right: list[float]) -> float:
    total: float = sum(a * sum(map(mul, row, right)) for a, row in zip(left, middle, strict=True))
    return total


def _across(a: list[float], b: list[float]) -> list[float]:
    return [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]


def _length(vector: list[float]) -> float:
    return math.sqrt(sum(map(mul, vector, vector)))
