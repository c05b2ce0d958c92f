"""Measures how much a body at rest turns a sensor, without the sensor's own noise.

Noise is white; a body's movement is slow. So the noise density, measured near the top of the
spectrum, is subtracted from the angular rate's density between 0.3 and 3 Hz, the range of breath
and heartbeat.
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
    """Return the rms angular rate of all axes without noise; None for a short recording.

    Densities are medians over segments, so that rare fidgets do not count.
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
