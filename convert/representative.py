"""Which windows set the int8 scales, and what the input may range over."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOWS: Final = 500
"""At most so many set the scales."""
HELD_OUT: Final = 1000
"""At most so many others say which input range is best."""

_PERCENTILES: Final = (98.0, 99.0, 99.5, 99.9)


def candidate_ranges(windows: NDArray[np.float32]) -> list[float]:
    """Return ±ranges worth trying: each holds a share of the values of every channel.

    int8 has one step for g and rad/s alike. A range wide enough for the rarest swing of the
    gyroscope makes that step coarse, and sitting and standing differ by little of a g; a narrow
    one clips. Which is worse depends on the network.
    """
    size = np.abs(windows.reshape(-1, windows.shape[-1]))
    shares = np.percentile(size, _PERCENTILES, axis=0).max(1)
    return sorted({max(round(float(share), 2), 0.01) for share in shares})


def clipped(windows: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Pick windows, clipped to ±limit; the first touches both ends, so the range is just that."""
    chosen = np.array(windows[_spread(len(windows))].clip(-limit, limit), np.float32)
    chosen[0, :2, 3] = limit, -limit
    return chosen


def held_out(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pick windows that `clipped` does not; all of them if it takes them all."""
    others = np.delete(np.arange(len(windows)), _spread(len(windows)))
    if not len(others):
        return windows
    return np.asarray(windows[others[:: -(-len(others) // HELD_OUT)]])


def _spread(count: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, min(count, WINDOWS)).astype(np.int64)
