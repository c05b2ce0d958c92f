"""Augmentation: random rotations, batches, int8 steps."""

from dataclasses import replace

import numpy as np
import pytest

from train.fitting.augment import TiltedBatches, stepped, tilted
from train.networks.recipes import PAPER


def windows(count: int = 400) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(1).normal(size=(count, 128, 9)).astype(np.float32)


def test_rotations_keep_lengths_and_angles_between_signals() -> None:
    x = windows()
    out = tilted(x, 20.0, 1.0, np.random.default_rng(0))
    before, after = x.reshape(-1, 128, 3, 3), out.reshape(-1, 128, 3, 3)
    # Gram matrices of (acceleration, angular velocity, body acceleration) at each sample.
    np.testing.assert_allclose(
        np.einsum("ntka,ntla->ntkl", after, after),
        np.einsum("ntka,ntla->ntkl", before, before),
        atol=1e-4,
    )
    handed = np.linalg.det(after.astype(np.float64)), np.linalg.det(before.astype(np.float64))
    np.testing.assert_allclose(*handed, atol=1e-3)


def test_rotations_have_the_given_deviation() -> None:
    x = np.zeros((4000, 128, 9), np.float32)
    x[..., 0] = 1
    out = tilted(x, 5.0, 1.0, np.random.default_rng(0))
    angle_deg = np.rad2deg(np.arccos(np.clip(out[:, 0, 0], -1, 1)))
    # A rotation about the vector itself does not move it, so the rms is sqrt(2/3) of the angle's.
    assert np.sqrt(np.mean(angle_deg**2)) == pytest.approx(5 * np.sqrt(2 / 3), rel=0.1)
    np.testing.assert_array_equal(out, out[:, :1].repeat(128, axis=1))


def test_only_the_given_share_is_rotated() -> None:
    x = windows(1000)
    out = tilted(x, 5.0, 0.3, np.random.default_rng(0))
    assert np.mean((out != x).any(axis=(1, 2))) == pytest.approx(0.3, abs=0.05)
    np.testing.assert_array_equal(tilted(x, 5.0, 0.0, np.random.default_rng(0)), x)


def test_each_epoch_has_each_window_once_in_a_new_order() -> None:
    x = windows(50)
    y = np.arange(50, dtype=np.float32)[:, np.newaxis]
    batches = TiltedBatches(x, y, replace(PAPER, batch=16), seed=0)
    orders = []
    for _ in range(2):
        epoch = [batches[i] for i in range(len(batches))]
        order = np.concatenate([labels for _, labels in epoch])[:, 0].astype(int)
        assert sorted(order) == list(range(50))
        np.testing.assert_array_equal(np.concatenate([part for part, _ in epoch]), x[order])
        orders.append(order.tolist())
        batches.on_epoch_end()
    assert orders[0] != orders[1]


def test_values_are_rounded_to_the_steps_of_an_int8_input() -> None:
    x = windows()
    out = stepped(x, 1.25)
    step = 2.5 / 255
    assert len(np.unique(out)) <= 256
    np.testing.assert_allclose(out / step, np.rint(out / step), atol=1e-4)
    inside = x.clip(-1.24, 1.24)
    shaped = stepped(inside, 1.25)
    # No sample is off by more than a step, and no sum over time by more than half of one.
    assert np.abs(shaped - inside).max() <= step * 1.001
    assert np.abs(np.cumsum(shaped - inside, axis=1, dtype=np.float64)).max() <= step * 0.501
    np.testing.assert_array_equal(stepped(shaped, 1.25), shaped)
