"""Selects representative windows, which set the int8 scales, and candidate input ranges."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOWS: Final = 500
"""Largest number of windows that set the scales."""
HELD_OUT: Final = 1000
"""Largest number of other windows, by which the input range is chosen."""

_PERCENTILES: Final = (98.0, 99.0, 99.5, 99.9)


def candidate_ranges(windows: NDArray[np.float32]) -> list[float]:
    """Return candidate ± input ranges, in g and rad/s: percentiles of the widest channel.

    All int8 inputs share one step. A wide range makes it coarse, although sitting and standing
    differ by a small part of a g; a narrow range clips. The better choice depends on the network.
    """
    size = np.abs(windows.reshape(-1, windows.shape[-1]))
    shares = np.percentile(size, _PERCENTILES, axis=0).max(1)
    return sorted({max(round(float(share), 2), 0.01) for share in shares})


def clipped(windows: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Select and clip windows; the first contains ±limit, so the range is exactly that."""
    chosen = np.array(windows[_spread(len(windows))].clip(-limit, limit), np.float32)
    chosen[0, :2, 3] = limit, -limit
    return chosen


def held_out(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Select windows that `clipped` does not; all windows if it selects all."""
    others = np.delete(np.arange(len(windows)), _spread(len(windows)))
    if not len(others):
        return windows
    return np.asarray(windows[others[:: -(-len(others) // HELD_OUT)]])


def _spread(count: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, min(count, WINDOWS)).astype(np.int64)
