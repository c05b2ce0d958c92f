"""White noise as a function of the sample number, so that skipped samples change no value."""

import numpy as np

from firmware_bridge.samples import Float64
from firmware_bridge.simulator.feed import Int64

_BLOCK = 256


class Noise:
    """Noise of a given rms in each channel; equal seeds give equal noise."""

    def __init__(self, acc_g: float = 0.0, gyro_dps: float = 0.0, seed: int = 0) -> None:
        self._rms = np.repeat([acc_g, gyro_dps], 3)
        self._seed = seed
        self._block = -1
        self._values = np.zeros((_BLOCK, 6))

    def __call__(self, numbers: Int64) -> Float64:
        """Return (n, 6) for consecutive sample numbers (n,)."""
        if not self._rms.any():
            return np.zeros((1, 6))
        blocks = range(numbers[0] // _BLOCK, numbers[-1] // _BLOCK + 1)
        values = np.concatenate([self._of(block) for block in blocks])
        start = numbers[0] - blocks[0] * _BLOCK
        noise: Float64 = values[start : start + len(numbers)] * self._rms
        return noise

    def _of(self, block: int) -> Float64:
        if block != self._block:
            random = np.random.default_rng((self._seed, block))
            self._block, self._values = block, random.standard_normal((_BLOCK, 6))
        return self._values
