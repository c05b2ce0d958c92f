"""A sensor that shows each sample's number in all its channels: what came of it is plain."""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64

ACC_G, GYRO_DPS = 4, 1000
_BASE = 30_000


def numbered(index: NDArray[np.int64], t_s: Float64) -> Float64:  # noqa: ARG001 - a chip's Feed
    """Feed a chip: (n, 6) in g and deg/s."""
    counts = encoded(index)
    values: Float64 = counts * np.repeat([ACC_G / 32768, GYRO_DPS / 32768], 3)
    return values


def encoded(index: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the counts (n, 6) of samples by number."""
    low = index % _BASE
    both = (low + index // _BASE) % _BASE
    return np.column_stack([low, both, low, low, both, low]).astype(np.int16)


def decoded(counts: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the number of each sample (n,), and whether it is torn: parts of several.

    The first must be one of the first 30,000. A torn one counts for the sample of its first part.
    """
    number = np.unwrap(counts[:, 0].astype(np.int64), period=_BASE).astype(np.int64)
    return number, (encoded(number) != counts).any(axis=1)
