"""Does the wearer walk in a window? Told from what no mounting changes: sizes, not directions."""

import math

import numpy as np
from numpy.typing import NDArray

from device.orientation.spec import OrientationSpec


def walks(x: NDArray[np.float32], spec: OrientationSpec, rate_hz: float) -> bool:
    """Tell of a window (window, 9) whether it is walking; most others are sorted out at once."""
    acc, body = x[:, :3], x[:, 6:]
    effort_g = math.sqrt(np.einsum("ij,ij->", body, body) / len(x))
    if not spec.effort_g[0] <= effort_g <= spec.effort_g[1]:
        return False
    return _rhythm(np.sqrt(np.einsum("ij,ij->i", acc, acc)), spec, rate_hz) >= spec.rhythm


def _rhythm(size_g: NDArray[np.float32], spec: OrientationSpec, rate_hz: float) -> float:
    """Return the best correlation of |acc| with itself a step or two steps later, -1 to 1."""
    count = len(size_g)
    size_g = size_g - size_g.mean()
    spectrum = np.fft.rfft(size_g, 2 * count)
    power = spectrum.real**2 + spectrum.imag**2
    alike = np.fft.irfft(power)[:count]
    if alike[0] <= 0:
        return 0.0
    slowest, fastest = (rate_hz / cadence for cadence in spec.cadence_hz)
    first, last = math.ceil(fastest), min(math.floor(slowest), count // 2)
    lags = np.arange(first, last + 1)
    # A lag leaves fewer products, the greater it is.
    return float((alike[lags] * (count / (count - lags))).max() / alike[0])
