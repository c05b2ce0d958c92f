"""A sensor whose channels encode each sample's number, so losses can be counted exactly."""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64

ACC_G, GYRO_DPS = 4, 1000
_BASE = 30_000


def numbered(index: NDArray[np.int64], t_s: Float64) -> Float64:  # noqa: ARG001 - a chip's Feed
    """Return readings (n, 6) of a chip by sample number, in g and deg/s."""
    counts = encoded(index)
    values: Float64 = counts * np.repeat([ACC_G / 32768, GYRO_DPS / 32768], 3)
    return values


def encoded(index: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the counts (n, 6) of samples with these numbers (n,)."""
    low = index % _BASE
    mixed = (low + index // _BASE) % _BASE
    return np.column_stack([low, mixed, low, low, mixed, low]).astype(np.int16)


def decoded(counts: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the number of each sample (n,), and whether it is torn: bytes of several samples.

    The first number must be below 30,000. A torn sample has the number of its first channel.
    """
    number = np.unwrap(counts[:, 0].astype(np.int64), period=_BASE).astype(np.int64)
    return number, (encoded(number) != counts).any(axis=1)
