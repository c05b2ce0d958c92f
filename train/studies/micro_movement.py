"""Measures the rotation of a sensor by a body at rest, without the noise of the sensor.

Noise is white, and a body moves slowly. So the noise density near the top of the spectrum is
subtracted from the density of the angular rate between 0.3 and 3 Hz, the range of breath and pulse.
"""

import math

import numpy as np
from scipy.signal import welch

from firmware_bridge.samples import Samples

BAND_HZ = (0.3, 3.0)
TOP = (0.32, 0.46)
"""Relative to the sample rate: above a resting body's movement, below possible aliases."""
SEGMENT_S = 10.0


def beyond_noise_rad_s(samples: Samples) -> float | None:
    """Return the rms angular rate of all axes without noise; None if the recording is too short.

    Densities are medians over segments, so that rare movements do not count.
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
