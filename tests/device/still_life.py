"""A sensor with constant errors, laid down in one position after another."""

from collections.abc import Sequence

import numpy as np

from firmware_bridge.samples import Float64, Samples

RATE_HZ = 50.0
UP: dict[str, tuple[float, float, float]] = {
    "+x": (1, 0, 0), "-x": (-1, 0, 0), "+y": (0, 1, 0), "-y": (0, -1, 0), "+z": (0, 0, 1),
    "-z": (0, 0, -1),
}  # fmt: skip
ACC_NOISE_G, GYRO_NOISE_RAD_S = 0.004, 0.0015
"""Of an MPU-6050 behind a low-pass of 44 Hz, as its data sheet has it."""


def positions(
    up: Sequence[tuple[float, float, float] | Float64],
    hold_s: float = 5.0,
    *,
    offset_g: Sequence[float] | Float64 = (0, 0, 0),
    scale: Sequence[float] | Float64 = (1, 1, 1),
    bias_rad_s: Sequence[float] | Float64 = (0, 0, 0),
    noise: float = 1.0,
    seed: int = 0,
) -> Samples:
    """Hold each direction of `up` for hold_s, with 1.5 s of turning and shaking in between."""
    random = np.random.default_rng(seed)
    acc, gyro = [], []
    for number, direction in enumerate(up):
        if number:
            moved = round(1.5 * RATE_HZ)
            acc.append(random.normal(0, 0.6, (moved, 3)))
            gyro.append(random.normal(0, 1.5, (moved, 3)))
        held = round(hold_s * RATE_HZ)
        unit = np.array(direction, float) / np.linalg.norm(direction)
        acc.append(np.tile(unit, (held, 1)))
        gyro.append(np.zeros((held, 3)))
    true_g, true_rad_s = np.concatenate(acc), np.concatenate(gyro)
    read_g = np.array(offset_g) + np.array(scale) * true_g
    read_g += noise * random.normal(0, ACC_NOISE_G, read_g.shape)
    read_rad_s = true_rad_s + np.array(bias_rad_s)
    read_rad_s += noise * random.normal(0, GYRO_NOISE_RAD_S, read_rad_s.shape)
    return Samples(np.arange(len(read_g)) / RATE_HZ, read_g, read_rad_s)


def tilted(direction: Sequence[float], degrees: float, around: float) -> Float64:
    """Turn a direction by some degrees toward a side given by an angle."""
    up = np.array(direction, float)
    side = np.roll(up, 1)
    other = np.cross(up, side)
    toward = np.cos(around) * side + np.sin(around) * other
    turned: Float64 = np.cos(np.radians(degrees)) * up + np.sin(np.radians(degrees)) * toward
    return turned
