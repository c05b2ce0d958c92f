"""Mounting: the rotation from the sensor's axes to the wearer's."""

from collections.abc import Sequence

import numpy as np

from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64

_TOLERANCE = 1e-6


class Mounting:
    """A rotation of x, y, z; `None` and the identity leave the values untouched."""

    def __init__(self, rotation: Sequence[Sequence[float]] | Float64 | None = None) -> None:
        """Take a 3 by 3 matrix: wearer's axes = matrix times sensor's axes.

        Raises InputError unless it is a proper rotation (orthonormal, right-handed).
        """
        self._rows: list[list[float]] | None = None
        if rotation is None:
            return
        try:
            matrix = np.array(rotation, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("mounting: the rotation must be 3 rows of 3 numbers") from error
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise InputError("mounting: the rotation must be 3 rows of 3 numbers")
        if np.abs(matrix).max() > 1 + _TOLERANCE or (
            np.abs(matrix @ matrix.T - np.eye(3)).max() > _TOLERANCE
        ):
            raise InputError(
                "mounting: the rotation's rows must be at right angles and of length 1"
            )
        if np.linalg.det(matrix) < 0:
            raise InputError("mounting: the rotation mirrors; change the sign of one axis")
        if not np.array_equal(matrix, np.eye(3)):
            self._rows = matrix.tolist()

    def apply(self, xyz: Float64) -> Float64:
        """Rotate xyz (3, n)."""
        if self._rows is None:
            return xyz
        # Element by element: the bits of a matrix product may depend on how many rows it has.
        x, y, z = xyz
        return np.stack([a * x + b * y + c * z for a, b, c in self._rows])
