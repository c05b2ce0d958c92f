"""Conversion of windows to int8 steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from device.model.runtime import to_steps

SCALE, ZERO_POINT = 2.5 / 255, -1


@given(level_g=st.floats(-1.2, 1.2), seed=st.integers(0, 999), noise_g=st.floats(0, 0.02))
def test_a_constant_signal_keeps_its_mean(level_g: float, seed: int, noise_g: float) -> None:
    noise = np.random.default_rng(seed).normal(0, noise_g, (2, 128, 9))
    x = (level_g + noise).clip(-1.2, 1.2).astype(np.float32)
    back = (to_steps(x, SCALE, ZERO_POINT).astype(float) - ZERO_POINT) * SCALE
    assert np.abs(back.mean(axis=1) - x.mean(axis=1, dtype=float)).max() < 0.51 * SCALE / 128
    assert np.abs(back - x).max() < 1.01 * SCALE


@given(seed=st.integers(0, 999), size=st.floats(0, 1e6))
def test_values_beyond_the_range_saturate(seed: int, size: float) -> None:
    x = (size * np.random.default_rng(seed).normal(size=(3, 128, 9))).astype(np.float32)
    steps = to_steps(x, SCALE, ZERO_POINT).astype(int)
    assert (steps[x > 1.3] >= 126).all()
    assert (steps[x < -1.3] <= -127).all()


def test_windows_are_independent() -> None:
    x = np.random.default_rng(0).normal(size=(3, 128, 9)).astype(np.float32)
    alone = np.concatenate([to_steps(x[i : i + 1], SCALE, ZERO_POINT) for i in range(3)])
    assert (to_steps(x, SCALE, ZERO_POINT) == alone).all()
