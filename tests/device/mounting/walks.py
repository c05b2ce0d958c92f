"""Synthetic windows of a wearer who walks or rests, in sensor axes."""

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float64

RATE_HZ = 50.0
SAMPLES = 128


def walk_of(
    count: int, rotation: Float64, seed: int = 0, stride_hz: float = 0.95
) -> list[NDArray[np.float32]]:
    """Return windows (SAMPLES, 9) of a hanging arm that swings about z; `rotation` takes the
    wearer's axes to the sensor's.

    x points down to the hand, y forward, z to the right. The hand moves outwards while it swings
    forward, and each step shakes it.
    """
    rng = np.random.default_rng(seed)
    windows = []
    for _ in range(count):
        phase = 2 * np.pi * (stride_hz * np.arange(SAMPLES) / RATE_HZ + rng.uniform())
        rate = np.zeros((SAMPLES, 3))
        rate[:, 2] = 2.0 * np.cos(phase)
        rate += rng.normal(0, 0.1, rate.shape)
        angle = 2.0 * np.sin(phase) / (2 * np.pi * stride_hz)
        gravity = np.stack([-np.cos(angle), np.sin(angle), np.zeros(SAMPLES)], axis=1)
        body = 0.2 * np.sin(2 * phase)[:, None] * np.array([1.0, 0.3, 0.2])
        body[:, 0] += 0.05 * np.cos(phase)
        body += rng.normal(0, 0.02, body.shape)
        windows.append(_in_sensor_axes(rotation, [gravity + body, rate, body]))
    return windows


def still(rotation: Float64, seed: int = 0) -> NDArray[np.float32]:
    """Return a window of an arm at rest, with the back of the hand up."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 0.005, (SAMPLES, 3))
    rate = rng.normal(0, 0.02, (SAMPLES, 3))
    return _in_sensor_axes(rotation, [body + np.array([0.0, 0.0, 1.0]), rate, body])


def _in_sensor_axes(rotation: Float64, parts: list[Float64]) -> NDArray[np.float32]:
    return np.hstack([part @ rotation.T for part in parts]).astype(np.float32)
