"""One stream's mounting: learnt while the wearer walks, applied to every window."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.orientation.frame import Frame
from device.orientation.gait import walks
from device.orientation.spec import OrientationSpec
from firmware_bridge.errors import InputError


class Orientation:
    """Takes the windows of one stream in turn; nothing depends on how they were batched."""

    def __init__(
        self, spec: OrientationSpec, rate_hz: float, state: Mapping[str, Any] | None = None
    ) -> None:
        """Begin anew, or from what to_state gave; raises InputError if `state` cannot be that."""
        self._spec = spec
        self._rate_hz = rate_hz
        self._frame = Frame(spec)
        self._known = False
        self._turn: NDArray[np.float32] | None = None
        if state is not None:
            known = state.get("known")
            if not isinstance(known, bool):
                raise InputError("it is not a mounting that this version kept")
            self._frame.restore(state)
            self._known = known
            self._settle()

    @property
    def confidence(self) -> float:
        """0 to 1."""
        return self._frame.confidence

    @property
    def known(self) -> bool:
        """Postures can be told."""
        return self._known

    def place(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], bool]:
        """Take the next window (window, 9), in sensor axes; learn from it if it is walking.

        Return it in the wearer's axes, and whether the mounting is known; if not, the turn is
        provisional: the best so far, or none.
        """
        if walks(x, self._spec, self._rate_hz):
            self._frame.see(x)
            self._settle()
        if self._turn is None:
            return x, self._known
        return (x.reshape(-1, 3) @ self._turn).reshape(x.shape), self._known

    def silence(self, silent_s: float) -> None:
        """Note that nothing came for so long: in a long time the strap may have been off."""
        if silent_s >= self._spec.break_after_s:
            self._frame.fade(self._spec.break_keeps)
            self._settle()

    def to_state(self) -> dict[str, Any]:
        """Return all that a later run needs to go on, for JSON."""
        return {"known": self._known, **self._frame.to_state()}

    def _settle(self) -> None:
        least = self._spec.lost_at if self._known else self._spec.known_at
        self._known = self._frame.confidence >= least
        if self._frame.axes is not None:
            # Turned from the right, all rows of a window at once.
            self._turn = np.array(list(zip(*self._frame.axes, strict=True)), np.float32)
