"""Rotation from sensor axes to wearer axes."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from device.config import checks
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64

_IDENTITY: Final = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Mounting:
    """A rotation of x, y, z; `None` and the identity change no bit."""

    def __init__(self, rotation: Sequence[Sequence[float]] | Float64 | None = None) -> None:
        """Take a matrix (3, 3): wearer axes = matrix times sensor axes.

        Raises InputError unless it is, to three decimals, orthonormal and right-handed.
        """
        self._rows: checks.Rotation | None = None
        if rotation is None:
            return
        try:
            matrix = checks.rotation(rotation)
        except checks.RefusedError as must:
            raise InputError(f"mounting: the rotation must {must}") from must
        if matrix != _IDENTITY:
            self._rows = matrix

    def apply(self, xyz: Float64) -> Float64:
        """Rotate xyz (3, n)."""
        if self._rows is None:
            return xyz
        # Element by element: the bits of a matrix product can depend on its number of rows.
        x, y, z = xyz
        return np.stack([a * x + b * y + c * z for a, b, c in self._rows])
