"""Augmentation of training windows: small rotations of the sensor, and int8 rounding."""

import math

import keras
import numpy as np
from numpy.typing import NDArray

from device.model.runtime import to_steps
from train.networks.recipes import Recipe


def tilted(
    x: NDArray[np.float32], deviation_deg: float, share: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """Rotate a share of windows (n, 128, 9), each by one random rotation.

    The axis is uniform; the angle is normal with the given deviation. Small rotations imitate a
    belt in another position. Beyond about ten degrees, sitting looks like standing.
    """
    turned = random.random(len(x)) < share
    count = int(turned.sum())
    axis = random.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.deg2rad(random.normal(scale=deviation_deg, size=count))
    out = x.copy()
    vectors = x[turned].reshape(count, x.shape[1], 3, 3)  # (window, sample, kind of signal, axis)
    turns = rotations(axis, angle).astype(np.float32)
    out[turned] = np.einsum("nij,ntkj->ntki", turns, vectors).reshape(count, *x.shape[1:])
    return out


def stepped(x: NDArray[np.float32], input_range: float) -> NDArray[np.float32]:
    """Clip to ±input_range (g or rad/s) and round to the 256 steps of an int8 input.

    So the network is trained on the values that its int8 form receives.
    """
    step = np.float32(2 * input_range / 255)
    return to_steps(x, float(step), 0) * step


class TiltedBatches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
    """Batches with a new order and new rotations every epoch."""

    def __init__(self, x: NDArray[np.float32], y: NDArray[np.float32], recipe: Recipe, seed: int):
        super().__init__()
        self._x, self._y, self._recipe = x, y, recipe
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(y))

    def __len__(self) -> int:
        return math.ceil(len(self._y) / self._recipe.batch)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        recipe = self._recipe
        rows = self._order[i * recipe.batch : (i + 1) * recipe.batch]
        x = tilted(self._x[rows], recipe.tilt_deg, recipe.tilt_share, self._random)
        clip = recipe.extras.clip
        return x if clip is None else stepped(x, clip), self._y[rows]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._order = self._random.permutation(len(self._y))


def rotations(axis: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return matrices (n, 3, 3) of rotations about unit axes (n, 3) by angles (n,) in rad.

    The formula is Rodrigues'.
    """
    x, y, z = axis.T
    zero = np.zeros_like(x)
    cross = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    sine, rest = np.sin(angle)[:, None, None], (1 - np.cos(angle))[:, None, None]
    rotations: NDArray[np.float64] = np.eye(3) + sine * cross + rest * (cross @ cross)
    return rotations
