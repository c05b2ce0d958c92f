"""Samples: six-axis measurements with their times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """A block of consecutive samples: none, or up to several hours."""

    t_s: Float64
    """(n,) seconds on the sensor's own clock (microcontroller, chip or recording), unwrapped."""
    acc_g: Float64
    """(n, 3) total acceleration, g."""
    gyro_rad_s: Float64
    """(n, 3) angular velocity, rad/s."""
    lost: int = 0
    """Number of samples lost just before this block."""

    @classmethod
    def empty(cls) -> "Samples":
        """Return a block without samples."""
        return cls(np.empty(0), np.empty((0, 3)), np.empty((0, 3)))

    @classmethod
    def joined(cls, blocks: Sequence["Samples"]) -> "Samples":
        """Concatenate blocks in their order; `lost` is that of the first block."""
        if not blocks:
            return cls.empty()
        return cls(
            np.concatenate([block.t_s for block in blocks]),
            np.concatenate([block.acc_g for block in blocks]),
            np.concatenate([block.gyro_rad_s for block in blocks]),
            blocks[0].lost,
        )

    def __len__(self) -> int:
        return len(self.t_s)

    def __getitem__(self, part: slice) -> "Samples":
        """Return a part of the block; `lost` belongs to the part with the first sample."""
        start, _, _ = part.indices(len(self))
        lost = self.lost if start == 0 else 0
        return Samples(self.t_s[part], self.acc_g[part], self.gyro_rad_s[part], lost)
