"""Noise filter and gravity split, a block of `hop` samples at a time.

A cascade of recursive sections over one block is a linear map from (samples, state) to (filtered
samples, new state). Its matrix is computed once, by running the recurrence on the unit basis. Then
each block costs one matrix product. Its shape is fixed, so the bits do not depend on the chunking;
BLAS gives other bits for other shapes.
"""

import numpy as np

from device.signal import butterworth
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64

CHANNELS = 6


class GravitySplit:
    """Filters one stretch after another. Each stream needs its own."""

    def __init__(self, spec: SignalSpec) -> None:
        noise = butterworth.lowpass(spec.noise_order, spec.noise_cutoff_hz, spec.rate_hz)
        gravity = butterworth.lowpass(spec.gravity_order, spec.gravity_cutoff_hz, spec.rate_hz)
        self._hop = spec.hop
        self._map = _block_map(noise, gravity, spec.hop)
        steady = [butterworth.steady_state(noise), butterworth.steady_state(gravity)]
        self._steady = np.concatenate(steady)[:, None]
        self._in = np.zeros((self._map.shape[1], CHANNELS))
        self._out = np.zeros((self._map.shape[0], CHANNELS))

    def start(self, first: Float64) -> None:
        """Start a stretch as if `first` (6,) had been the input for ever."""
        self._in[self._hop :] = self._steady * first

    def block(self, x: Float64) -> tuple[Float64, Float64]:
        """Filter x (6, hop), acc first. Return x without noise (hop, 6) and body acc (hop, 3).

        Both are views that the next call overwrites.
        """
        hop = self._hop
        self._in[:hop] = x.T
        np.matmul(self._map, self._in, out=self._out)
        self._in[hop:] = self._out[2 * hop :]
        return self._out[:hop], self._out[hop : 2 * hop, :3]


def _block_map(noise: Float64, gravity: Float64, hop: int) -> Float64:
    """Return (2 hop + states, hop + states): from samples, state to filtered, body, new state."""
    # The gyroscope passes the unused gravity split too: one product is cheaper than two.
    n_noise = 2 * len(noise)
    basis = np.eye(hop + n_noise + 2 * len(gravity))
    state = basis[hop:].copy()
    filtered = butterworth.run(noise, basis[:hop], state[:n_noise])
    body = filtered - butterworth.run(gravity, filtered, state[n_noise:])
    return np.concatenate([filtered, body, state])
