"""Detects walking in a window from magnitudes, which do not depend on the mounting.

Steps shake a hanging arm along gravity; clapping or brushing teeth shakes it across. Two more signs
of walking: each step shakes the sensor like the step before, and one step later the arm swings the
other way. One of these signs may be weak, so their sum is tested.
"""

import math

import numpy as np
from numpy.typing import NDArray

from device.mounting.spec import MountingSpec
from firmware_bridge.samples import Float64

_ABOVE = 1.25
"""Upper end of the band of steps, in multiples of the fastest step rate."""


def walks(x: NDArray[np.float32], spec: MountingSpec, rate_hz: float) -> bool:
    """Return whether the wearer walks in a window (window, 9); cheap tests come first."""
    acc, rate, body = x[:, :3], x[:, 3:6], x[:, 6:]
    power_g2 = float(np.einsum("ij,ij->", body, body)) / len(x)
    if not spec.effort_g[0] <= math.sqrt(power_g2) <= spec.effort_g[1]:
        return False
    down = acc.sum(axis=0)
    upright = body @ down
    bounce_g2 = float(upright @ upright) / max(float(down @ down), 1e-12) / len(x)
    if bounce_g2 < spec.bounce * power_g2:
        return False
    moves = np.empty((4, len(x)))
    moves[0] = np.sqrt(np.einsum("ij,ij->i", acc, acc))
    moves[1:] = rate.T
    moves -= moves.mean(axis=1)[:, np.newaxis]
    spectrum = np.fft.rfft(moves, 2 * len(x))
    power = spectrum.real**2 + spectrum.imag**2
    slow_bins = math.ceil(_ABOVE * spec.cadence_hz[1] * 2 * len(x) / rate_hz)
    if float(power[0, :slow_bins].sum()) < spec.slow_share * float(power[0].sum()):
        return False
    power[1] += power[2] + power[3]
    shaken, swung = _alike(power[:2], _step_lags(spec, rate_hz, len(x)))
    return float(shaken.max() - swung.min()) >= spec.rhythm


def _step_lags(spec: MountingSpec, rate_hz: float, count: int) -> NDArray[np.intp]:
    """Return the lags of one step in samples, from the fastest steps to the slowest."""
    first = math.ceil(rate_hz / spec.cadence_hz[1])
    last = min(math.floor(rate_hz / spec.cadence_hz[0]), count // 2)
    return np.arange(first, last + 1)


def _alike(power: Float64, lags: NDArray[np.intp]) -> Float64:
    """Return autocorrelations (n, lags), -1 to 1, of signals with power spectra (n, bins)."""
    products = np.fft.irfft(power)
    count = products.shape[1] // 2
    # A longer lag has fewer products; the factor compensates for that.
    alike: Float64 = products[:, lags] * (count / (count - lags))
    alike /= np.maximum(products[:, :1], 1e-12)
    return alike
