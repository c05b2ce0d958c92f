"""The wearer's axes, from windows in which the wearer walks.

While walking the arm hangs, so mean acceleration points from the hand to the elbow: against x. The
arm swings about an axis through the wearer's side: the principal axis of angular rate across x is
z. Which of its two ends is told by the swing forward, which is not the mirror of the one back: its
angular rate has the longer tail.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.orientation.spec import OrientationSpec
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64

_SHAPES: dict[str, tuple[int, ...]] = {"gravity": (3,), "swing": (3, 3), "tails": (9, 3)}


class Frame:
    """Running sums over walking windows; float64, window by window, so no chunking shows."""

    def __init__(self, spec: OrientationSpec) -> None:
        self._spec = spec
        self._keeps = math.exp(-1 / spec.memory_windows)
        self._sums = {name: np.zeros(shape) for name, shape in _SHAPES.items()}
        self._windows = 0.0
        self._votes = 0.0
        self._axes: Float64 | None = None

    @property
    def axes(self) -> Float64 | None:
        """(3, 3) proper rotation, sensor's axes to wearer's; None before the first walk."""
        return self._axes

    @property
    def confidence(self) -> float:
        """0 to 1: as good as the weakest of amount, steadiness, shape and side of the swing."""
        if self._axes is None or not self._windows:
            return 0.0
        spec, windows = self._spec, self._windows
        steady = math.sqrt(float((self._sums["gravity"] ** 2).sum())) / windows
        across, along = sorted((self._about(self._axes[1]), self._about(self._axes[2])))
        flat = (along - across) / max(along + across, 1e-12)
        shares = (
            windows / spec.enough_windows,
            (steady - spec.steady_gravity) / (1 - spec.steady_gravity),
            flat / spec.flat_swing,
            self._votes / (spec.sure_side * math.sqrt(windows)),
        )
        return max(0.0, min(1.0, *shares))

    def see(self, x: NDArray[np.float32]) -> None:
        """Take in a window (window, 9), in sensor axes, of walking."""
        gravity = x[:, :3].mean(axis=0, dtype=np.float64)
        rate = x[:, 3:6].astype(np.float64)
        rate -= rate.mean(axis=0)
        # So that a long walk counts by its windows, not by how hard the arm swings.
        power = float(np.einsum("ij,ij->", rate, rate)) / len(x)
        size = math.sqrt(float((gravity**2).sum()))
        if power <= 0 or size <= 0:
            return
        rate /= math.sqrt(power)
        squares = (rate[:, :, np.newaxis] * rate[:, np.newaxis, :]).reshape(len(x), 9)
        tails = squares.T @ rate / len(x)
        self.fade(self._keeps)
        self._windows += 1
        self._sums["gravity"] += gravity / size
        self._sums["swing"] += squares.mean(axis=0).reshape(3, 3)
        self._sums["tails"] += tails
        self._turn()
        assert self._axes is not None  # noqa: S101 -- _turn has set it
        self._votes += math.copysign(1.0, _tail(tails, self._axes[2]))

    def fade(self, share: float) -> None:
        """Let all that was seen count only so much, 0 to 1."""
        self._windows *= share
        self._votes *= share
        self._sums = {name: values * share for name, values in self._sums.items()}

    def to_state(self) -> dict[str, Any]:
        """Return the sums, for JSON."""
        sums = {name: values.ravel().tolist() for name, values in self._sums.items()}
        return {"windows": self._windows, "votes": self._votes, **sums}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what to_state gave; raises InputError if it cannot be that."""
        try:
            sums = {
                name: np.array(state[name], np.float64).reshape(shape)
                for name, shape in _SHAPES.items()
            }
            windows, votes = float(state["windows"]), float(state["votes"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("it is not a mounting that this version kept") from error
        whole = np.concatenate([[windows, votes], *(values.ravel() for values in sums.values())])
        if not np.isfinite(whole).all() or windows < 0 or abs(whole).max() > 1e9:
            raise InputError("it is not a mounting that this version kept")
        self._sums, self._windows, self._votes = sums, windows, votes
        if windows > 0:
            self._turn()

    def _turn(self) -> None:
        gravity = self._sums["gravity"]
        size = math.sqrt(float((gravity**2).sum()))
        if size <= 0:
            return
        x = -gravity / size
        # Any two directions across x: the principal axis among them does not depend on which.
        side = np.eye(3)[int(np.abs(x).argmin())]
        one = np.cross(x, side)
        one /= math.sqrt(float((one**2).sum()))
        two = np.cross(x, one)
        swing = self._sums["swing"]
        half = 0.5 * math.atan2(2 * float(one @ swing @ two), self._about(one) - self._about(two))
        z = math.cos(half) * one + math.sin(half) * two
        if _tail(self._sums["tails"], z) < 0:
            z = -z
        if self._axes is not None and float(z @ self._axes[2]) < 0:
            self._votes = -self._votes
        self._axes = np.stack([x, np.cross(z, x), z])

    def _about(self, axis: Float64) -> float:
        return float(axis @ self._sums["swing"] @ axis)


def _tail(tails: Float64, axis: Float64) -> float:
    """Return the third moment of angular rate about an axis."""
    return float(np.outer(axis, axis).ravel() @ tails @ axis)
