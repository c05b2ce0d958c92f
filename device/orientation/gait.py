"""Does the wearer walk in a window? Told from what no mounting changes: sizes, not directions."""

import math

import numpy as np
from numpy.typing import NDArray

from device.orientation.spec import OrientationSpec
from firmware_bridge.samples import Float64

_ABOVE = 1.25
"""How far the power of the fastest steps reaches beyond their rate."""


def walks(x: NDArray[np.float32], spec: OrientationSpec, rate_hz: float) -> bool:
    """Tell of a window (window, 9) whether it is walking; most others are sorted out at once."""
    acc, body = x[:, :3], x[:, 6:]
    effort_g = math.sqrt(float(np.einsum("ij,ij->", body, body)) / len(x))
    if not spec.effort_g[0] <= effort_g <= spec.effort_g[1]:
        return False
    size_g = np.sqrt(np.einsum("ij,ij->i", acc, acc))
    spectrum = np.fft.rfft(size_g - size_g.mean(), 2 * len(x))
    power = spectrum.real**2 + spectrum.imag**2
    if _slow_share(power, spec, rate_hz / (2 * len(x))) < spec.slow_share:
        return False
    return _rhythm(np.fft.irfft(power)[: len(x)], spec, rate_hz) >= spec.rhythm


def _slow_share(power: Float64, spec: OrientationSpec, bin_hz: float) -> float:
    """Return the share of the power that is no faster than steps are."""
    total = float(power.sum())
    return float(power[: math.ceil(_ABOVE * spec.cadence_hz[1] / bin_hz)].sum()) / max(total, 1e-12)


def _rhythm(alike: Float64, spec: OrientationSpec, rate_hz: float) -> float:
    """Return the best correlation, -1 to 1, a step or two steps later; from products by lag."""
    count = len(alike)
    first = math.ceil(rate_hz / spec.cadence_hz[1])
    last = min(math.floor(rate_hz / spec.cadence_hz[0]), count // 2)
    lags = np.arange(first, last + 1)
    # A lag leaves fewer products, the greater it is.
    best = float((alike[lags] * (count / (count - lags))).max())
    return best / max(float(alike[0]), 1e-12)
