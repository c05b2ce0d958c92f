"""Estimates mounting and vigour of one stream while the wearer walks; applies them to windows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.mounting.frame import NOT_A_MOUNTING, Frame
from device.mounting.gait import walks
from device.mounting.spec import MountingSpec
from firmware_bridge.errors import InputError

_DROPPED = 10
"""After this many windows that agree with the mounting, the rival mounting is dropped."""
_FACTORS = (0.25, 4.0)
"""Smallest and largest scale of movement; a scale beyond them means no walk or no wrist."""


class MountingEstimator:
    """Takes the windows of one stream in turn; the batching of windows changes no result."""

    def __init__(
        self, spec: MountingSpec, rate_hz: float, state: Mapping[str, Any] | None = None
    ) -> None:
        """Start from nothing, or from the form of `to_state`; raises InputError on another form."""
        self._spec = spec
        self._rate_hz = rate_hz
        self._frame = Frame(spec)
        self._rival: Frame | None = None
        self._agreed = 0
        self._known = False
        self._turn: NDArray[np.float32] | None = None
        if state is not None:
            known = state.get("known")
            if not isinstance(known, bool):
                raise InputError(NOT_A_MOUNTING)
            self._frame.restore(state)
            self._known = known
            self._settle()

    @property
    def frame(self) -> Frame:
        """Sums over the walking windows so far."""
        return self._frame

    @property
    def confidence(self) -> float:
        """0 to 1."""
        return self._frame.confidence

    @property
    def known(self) -> bool:
        """Whether the mounting is known, so that postures can be distinguished."""
        return self._known

    def place(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], bool]:
        """Take the next window (window, 9), in sensor axes; learn from it if the wearer walks.

        Return the window in wearer axes and whether the mounting is known. Its movement (angular
        rate, body acceleration) is scaled by the wearer's vigour. While the mounting is not known,
        the rotation is provisional: the best so far, or none.
        """
        if walks(x, self._spec, self._rate_hz):
            self._learn(x)
            self._settle()
        return (x if self._turn is None else x @ self._turn), self._known

    def silence(self, silent_s: float) -> None:
        """Take note of a gap: during a long one the strap may have been taken off."""
        if silent_s >= self._spec.break_after_s:
            self._frame.fade(self._spec.break_keeps)
            self._rival = None
            self._settle()

    def to_state(self) -> dict[str, Any]:
        """Return the state that a later run needs, as JSON values."""
        return {"known": self._known, **self._frame.to_state()}

    def _learn(self, x: NDArray[np.float32]) -> None:
        """Add a walking window to the mounting, or to a rival one if its gravity disagrees.

        Brushing teeth can look like walking, but with the arm in another direction.
        """
        spec = self._spec
        if self._frame.angle_deg(x) <= spec.outlier_deg:
            self._frame.see(x)
            self._agreed += 1
            if self._agreed >= _DROPPED:
                self._rival = None
            return
        if self._rival is None:
            self._rival, self._agreed = Frame(spec), 0
        self._rival.see(x)
        least, most = spec.rival_windows
        if self._known and self._rival.windows < min(max(self._frame.windows, least), most):
            return
        if self._rival.confidence >= spec.known_at:
            self._frame, self._rival = self._rival, None
        elif self._known:
            self._rival = None

    def _settle(self) -> None:
        least = self._spec.lost_at if self._known else self._spec.known_at
        self._known = self._frame.confidence >= least
        if self._frame.axes is None:
            return
        # One matrix product rotates and scales all three groups of columns.
        turn, spec = np.array(self._frame.axes).T, self._spec
        rate = spec.typical_rate_rad_s / self._frame.own_rate_rad_s
        body = spec.typical_body_g / self._frame.own_body_g
        whole = np.zeros((9, 9))
        for at, factor in enumerate((1.0, rate, body)):
            part = slice(3 * at, 3 * at + 3)
            whole[part, part] = min(max(factor, _FACTORS[0]), _FACTORS[1]) * turn
        self._turn = whole.astype(np.float32)
