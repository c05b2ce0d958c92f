"""Samples: what moves from a sensor to the signal path."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """A block of six-axis samples, from none to hours of them."""

    t_s: Float64
    """(n,) seconds on the sensor's own clock (microcontroller, chip or recording), unwrapped."""
    acc_g: Float64
    """(n, 3) total acceleration, g."""
    gyro_rad_s: Float64
    """(n, 3) angular velocity, rad/s."""
    lost: int = 0
    """Samples known to be missing just before this block."""

    def __len__(self) -> int:
        return len(self.t_s)

    def __getitem__(self, part: slice) -> "Samples":
        """Cut out a part; what was lost stays with the part that begins the block."""
        start, _, _ = part.indices(len(self))
        lost = self.lost if start == 0 else 0
        return Samples(self.t_s[part], self.acc_g[part], self.gyro_rad_s[part], lost)
