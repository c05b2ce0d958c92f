"""Augmentation of training windows: small rotations of the sensor, and int8 rounding."""

import math

import keras
import numpy as np
from numpy.typing import NDArray

from device.model.runtime import to_steps


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

    def __init__(  # noqa: PLR0913, PLR0917  the parameters of a batch
        self,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        batch: int,
        deviation_deg: float,
        share: float,
        seed: int,
        input_range: float | None = None,
    ):
        super().__init__()
        self._x, self._y, self._batch = x, y, batch
        self._range = input_range
        self._tilt = deviation_deg, share
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(y))

    def __len__(self) -> int:
        return math.ceil(len(self._y) / self._batch)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = self._order[i * self._batch : (i + 1) * self._batch]
        x = tilted(self._x[rows], *self._tilt, self._random)
        return x if self._range is None else stepped(x, self._range), self._y[rows]

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
