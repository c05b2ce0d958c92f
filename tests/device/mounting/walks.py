"""Windows of a wearer who walks, in the wearer's axes or in a sensor's that sits otherwise."""

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

    x points down to the hand, y forward, z to the right. The hand is thrown outwards while it
    swings forward, and each step shakes it.
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
        body = (
            body + 0.05 * np.outer(np.cos(phase), [1.0, 0.0, 0.0]) + rng.normal(0, 0.02, body.shape)
        )
        parts = [gravity + body, rate, body]
        windows.append(_seen(rotation, parts))
    return windows


def still(rotation: Float64, seed: int = 0) -> NDArray[np.float32]:
    """Return a window of an arm that lies still, its back up."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 0.005, (SAMPLES, 3))
    rate = rng.normal(0, 0.02, (SAMPLES, 3))
    parts = [body + np.array([0.0, 0.0, 1.0]), rate, body]
    return _seen(rotation, parts)


def _seen(rotation: Float64, parts: list[Float64]) -> NDArray[np.float32]:
    window = np.empty((SAMPLES, 9), np.float32)
    for at, part in enumerate(parts):
        window[:, 3 * at : 3 * at + 3] = part @ rotation.T
    return window
