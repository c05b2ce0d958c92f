"""Feeds: the physical values that the simulated chip measures at its sample instants."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator.wearer import Wearer

Int64 = NDArray[np.int64]

WEARER_HZ = 200.0

Feed = Callable[[Int64, Float64], Float64]
"""(index (n,), t_s (n,)) -> (n, 6): acceleration x y z in g, angular velocity x y z in degrees/s.

`index` counts the chip's samples, and `t_s` the true seconds, since a driver first requested
samples; until then both are 0. A feed is a pure function: the chip may request any sample, at any
time, and the same sample twice.
"""


def values(samples: Samples) -> Float64:
    """Return a recording as (n, 6) in g and degrees/s, without rows that are not finite.

    Raises InputError if no row is left.
    """
    table: Float64 = np.column_stack((samples.acc_g, np.degrees(samples.gyro_rad_s)))
    table = table[np.isfinite(table).all(axis=1)]
    if not len(table):
        raise InputError("the recording has no samples to feed to a chip")
    return table


def still(index: Int64, t_s: Float64) -> Float64:  # noqa: ARG001 - a Feed
    """Feed a sensor at rest on a table: 1 g along the z axis."""
    return np.tile([0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (len(index), 1))


def by_index(table: Float64) -> Feed:
    """Feed row k of (n, 6) to sample k at any sample rate, and after the end the last row.

    So a driver's samples can be compared with the recording bit for bit.
    """
    return lambda index, _: table[np.minimum(index, len(table) - 1)]


def by_time(table: Float64, rate_hz: float) -> Feed:
    """Feed the latest row of (n, 6), without interpolation, in an endless loop.

    Row k begins at k / rate_hz.
    """
    # Despite rounding, a sample at the beginning of a row gets that row.
    return lambda _, t_s: table[np.floor(t_s * rate_hz + 1e-6).astype(np.int64) % len(table)]


def turning(rate_dps: float, axis: int = 0) -> Feed:
    """Feed a steady turn about one axis, and gravity that turns the other way."""
    a, b = (axis + 1) % 3, (axis + 2) % 3

    def feed(_: Int64, t_s: Float64) -> Float64:
        angle = math.radians(rate_dps) * t_s
        out = np.zeros((len(t_s), 6))
        # dg/dt = -omega x g, from g along b.
        out[:, a], out[:, b] = np.sin(angle), np.cos(angle)
        out[:, 3 + axis] = rate_dps
        return out

    return feed


def counts(table: Float64, acc_full_scale_g: int, gyro_full_scale_dps: int) -> NDArray[np.int16]:
    """Return the register values for (n, 6) in g and degrees/s: rounded, saturated counts."""
    lsb = np.repeat([acc_full_scale_g / 32768, gyro_full_scale_dps / 32768], 3)
    limited: NDArray[np.int16] = np.clip(np.rint(table / lsb), -0x8000, 0x7FFF).astype(np.int16)
    return limited


def wearer(someone: Wearer) -> Feed:
    """Feed each of a synthetic wearer's activities for 10 s, in an endless loop."""
    script = [(name, 10.0) for name in someone.activities]
    return by_time(values(someone.samples(script, WEARER_HZ)[0]), WEARER_HZ)
