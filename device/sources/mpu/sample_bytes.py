"""The chip's bytes to samples. Pure."""

import math

import numpy as np
from numpy.typing import NDArray

from device.sources.mpu.bringup import ACC_FULL_SCALE_G, GYRO_FULL_SCALE_DPS
from firmware_bridge.samples import Float64, Samples

SAMPLE_BYTES = 12
"""Acc x y z, gyro x y z, in the order of their registers."""
BURST_BYTES = 15
"""INT_STATUS, acc, temperature, gyro: registers 0x3A to 0x48."""

Counts = NDArray[np.int16]
"""(n, 6): acc x y z, gyro x y z."""

_ACC_G = ACC_FULL_SCALE_G / 32768
_GYRO_RAD_S = GYRO_FULL_SCALE_DPS / 32768 * math.pi / 180


def from_fifo(data: bytes) -> Counts:
    """Read whole samples; ValueError if the last is incomplete."""
    return np.frombuffer(data, ">i2").reshape(-1, SAMPLE_BYTES // 2).astype(np.int16)


def from_burst(data: bytes) -> Counts:
    """Read the sample in a burst that starts at INT_STATUS."""
    words = np.frombuffer(data, ">i2", offset=1)
    return words[[[0, 1, 2, 4, 5, 6]]].astype(np.int16)


def word(data: bytes, at: int = 0) -> int:
    """Read a signed 16-bit register."""
    return int.from_bytes(data[at : at + 2], "big", signed=True)


def samples(t_s: Float64, counts: Counts, lost: int) -> Samples:
    """Scale counts to g and rad/s; `lost` samples are missing before the first."""
    return Samples(t_s, counts[:, :3] * _ACC_G, counts[:, 3:] * _GYRO_RAD_S, lost)
