"""Butterworth low-pass as second-order sections."""

import math

import numpy as np

from firmware_bridge.samples import Float64


def lowpass(order: int, cutoff_hz: float, rate_hz: float) -> Float64:
    """Design a digital low-pass: (sections, 6) rows of b0 b1 b2 1 a1 a2, gain 1 at DC.

    Bilinear transform of the analogue prototype with prewarped cut-off (Oppenheim and Schafer,
    Discrete-Time Signal Processing, 7.1). An odd order starts with one first-order section.
    """
    k = math.tan(math.pi * cutoff_hz / rate_hz)
    sections = []
    if order % 2:
        b = k / (1 + k)
        sections.append((b, b, 0.0, 1.0, (k - 1) / (k + 1), 0.0))
    for pair in range(order // 2):
        damping = 2 * math.sin(math.pi * (2 * pair + 1) / (2 * order))
        scale = 1 / (1 + damping * k + k * k)
        b = k * k * scale
        a1 = 2 * (k * k - 1) * scale
        a2 = (1 - damping * k + k * k) * scale
        sections.append((b, 2 * b, b, 1.0, a1, a2))
    return np.array(sections)


def steady_state(sections: Float64) -> Float64:
    """Return the state (2 * sections,) that a constant input of 1 leaves in each section.

    The state is that of the transposed direct form II, as `run` uses it.
    """
    b0, _, b2, _, _, a2 = sections.T
    state: Float64 = np.stack([1 - b0, b2 - a2], axis=1).ravel()
    return state


def run(sections: Float64, x: Float64, state: Float64) -> Float64:
    """Filter x (n, m) along its first axis; updates state (2 * sections, m) in place.

    Slow: one sample after another, in Python. GravitySplit is fast.
    """
    y = np.array(x, dtype=np.float64)
    for row in y:
        for (b0, b1, b2, _, a1, a2), (z1, z2) in zip(
            sections, state.reshape(len(sections), 2, -1), strict=True
        ):
            out = b0 * row + z1
            z1[:] = b1 * row - a1 * out + z2
            z2[:] = b2 * row - a2 * out
            row[:] = out
    return y
