"""How much a body at rest turns a sensor, beyond the sensor's own noise.

Noise is white; what a body does is slow. So the angular rate's density from 0.3 to 3 Hz, where
breath and heart are, less that at the top of the band.
"""

import math

import numpy as np
from scipy.signal import welch

from firmware_bridge.samples import Samples

BAND_HZ = (0.3, 3.0)
TOP = (0.32, 0.46)
"""As a share of the rate: above what a body at rest does, below what sampling may fold back."""
SEGMENT_S = 10.0


def beyond_noise_rad_s(samples: Samples) -> float | None:
    """Return it as rms over time, all axes, the median over segments; None for a short recording.

    A density is that of the median segment, so that a fidget now and then does not count.
    """
    if len(samples) < 2:
        return None
    rate_hz = 1 / float(np.median(np.diff(samples.t_s)))
    length = round(SEGMENT_S * rate_hz)
    count = len(samples) // length
    if count < 4:
        return None
    rows = samples.gyro_rad_s[: count * length].reshape(count, length, 3)
    hz, density = welch(rows, rate_hz, nperseg=length // 2, axis=1, detrend="linear")
    median = np.median(density.sum(axis=2), axis=0)
    low = median[(hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])].mean()
    top = median[(hz >= TOP[0] * rate_hz) & (hz <= TOP[1] * rate_hz)].mean()
    return math.sqrt(max(0.0, float(low - top)) * (BAND_HZ[1] - BAND_HZ[0]))
