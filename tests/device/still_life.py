"""Samples of a sensor with constant errors, at rest in several positions."""

from collections.abc import Sequence

import numpy as np

from firmware_bridge.samples import Float64, Samples

RATE_HZ = 50.0
UP: dict[str, tuple[float, float, float]] = {
    "+x": (1, 0, 0), "-x": (-1, 0, 0), "+y": (0, 1, 0), "-y": (0, -1, 0), "+z": (0, 0, 1),
    "-z": (0, 0, -1),
}  # fmt: skip
ACC_NOISE_G, GYRO_NOISE_RAD_S = 0.004, 0.0015
"""Noise of an MPU-6050 behind a low-pass of 44 Hz (data sheet)."""


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
    """Hold each direction of `up` for hold_s, with 1.5 s of movement in between."""
    random = np.random.default_rng(seed)
    acc, gyro = [], []
    for number, direction in enumerate(up):
        if number:
            moved = round(1.5 * RATE_HZ)
            acc.append(random.normal(0, 0.6, (moved, 3)))
            gyro.append(random.normal(0, 1.5, (moved, 3)))
        count = round(hold_s * RATE_HZ)
        unit = np.array(direction, float) / np.linalg.norm(direction)
        acc.append(np.tile(unit, (count, 1)))
        gyro.append(np.zeros((count, 3)))
    true_g, true_rad_s = np.concatenate(acc), np.concatenate(gyro)
    read_g = np.array(offset_g) + np.array(scale) * true_g
    read_g += noise * random.normal(0, ACC_NOISE_G, read_g.shape)
    read_rad_s = true_rad_s + np.array(bias_rad_s)
    read_rad_s += noise * random.normal(0, GYRO_NOISE_RAD_S, read_rad_s.shape)
    return Samples(np.arange(len(read_g)) / RATE_HZ, read_g, read_rad_s)


def tilted(direction: Sequence[float], degrees: float, around: float) -> Float64:
    """Tilt a direction by an angle in degrees, towards the side at the angle `around`."""
    up = np.array(direction, float)
    side = np.roll(up, 1)
    other = np.cross(up, side)
    toward = np.cos(around) * side + np.sin(around) * other
    turned: Float64 = np.cos(np.radians(degrees)) * up + np.sin(np.radians(degrees)) * toward
    return turned


def handled(rest_s: float = 6.0, turn_s: float = 14.0, *, seed: int = 0) -> Samples:
    """A correct sensor at rest, then turned slowly by hand in all directions."""
    random = np.random.default_rng(seed)
    t_s = np.arange(0, rest_s + turn_s, 1 / RATE_HZ)
    turned_s = np.maximum(t_s - rest_s, 0)[:, None]
    ways = np.array([[0.31, 0.43, 0.19], [0.17, 0.23, 0.37]])
    speed = np.array([1.2, 1.0, 0.9]) * np.sin(2 * np.pi * ways[0] * turned_s)
    rate = speed * np.cos(2 * np.pi * ways[1] * turned_s) * np.minimum(turned_s, 1)
    up = np.empty((len(t_s), 3))
    g = np.array([0.0, 0.0, 1.0])
    for number, omega in enumerate(rate):
        up[number] = g
        angle = float(np.linalg.norm(omega)) / RATE_HZ
        if angle:
            axis = omega / np.linalg.norm(omega)
            along = axis * (axis @ g)
            g = along + (g - along) * np.cos(angle) - np.cross(axis, g) * np.sin(angle)
    noise = random.normal(size=(2, len(t_s), 3))
    return Samples(t_s, up + ACC_NOISE_G * noise[0], rate + GYRO_NOISE_RAD_S * noise[1])
