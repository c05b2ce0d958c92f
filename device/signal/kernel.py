"""Windowed sinc: a sinc times a Kaiser window, read from a table."""

import numpy as np

from firmware_bridge.samples import Float64

_STEPS = 512  # per zero crossing; linear interpolation between them is within 3e-6


class Kernel:
    """Symmetric low-pass kernel: 1 at 0, with zeros at the other whole numbers."""

    def __init__(self, half_width: int, beta: float) -> None:
        """Take the zero crossings on each side, and Kaiser's beta: 5.65 for 60 dB."""
        x = np.arange(half_width * _STEPS) / _STEPS
        taper = np.i0(beta * np.sqrt(1 - (x / half_width) ** 2)) / np.i0(beta)
        self._last = float(half_width * _STEPS)
        self._value = np.concatenate([np.sinc(x) * taper, [0.0, 0.0]])
        self._slope = np.append(np.diff(self._value), 0.0)

    def __call__(self, x: Float64) -> Float64:
        """Return the weights at x, of any shape; 0 from half_width on. Overwrites x."""
        np.abs(x, out=x)
        x *= _STEPS
        np.minimum(x, self._last, out=x)
        cell = x.astype(np.intp)
        x -= cell
        x *= self._slope.take(cell)
        x += self._value.take(cell)
        return x
