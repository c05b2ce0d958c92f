"""Augmentation of training windows: variations of wearer, sensor and mounting."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.fitting.augment import rotations

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Variety:
    """Strengths of the augmentation; each deviation is that of a normal distribution."""

    tilt_deg: float = 10.0
    """Deviation of a rotation about any axis: the error of the estimated gravity in walking."""
    azimuth_deg: float = 12.0
    """Deviation of a rotation about the forearm: the error of the estimated swing axis."""
    wrong_side: float = 0.15
    """Share rotated by 180 degrees about the forearm: the wrong direction of the swing axis."""
    any_way: float = 0.3
    """Share of the windows of movement that get a random rotation. People may hold the arm
    differently in running and on stairs, and walking must be recognised before the mounting is
    known."""
    rate: float = 0.3
    """Deviation of the logarithm of a factor on angular rate."""
    body: float = 0.25
    """Deviation of the logarithm of a factor on body acceleration."""
    pace: float = 0.08
    """Deviation of a factor on time."""
    narrow: float = 0.3
    """Share clipped at ±2 g, the range of some sensors."""
    noise: float = 0.004
    """Deviation of the amplitude of white noise, g and rad/s, as in a cheap sensor. More noise
    would hide the small motion that separates standing from sitting."""


def varied(
    x: Array, moves: NDArray[np.bool_], variety: Variety, random: np.random.Generator
) -> Array:
    """Augment windows (n, window, 9); half of them are mirrored, like on the other arm.

    `moves` (n,) marks windows of movement, which do not depend on the direction of gravity alone.
    """
    n = len(x)
    vectors = x.reshape(n, -1, 3, 3)  # (window, sample, kind of signal, axis)
    forearm = np.tile([1.0, 0.0, 0.0], (n, 1))
    half_turn = np.where(random.random(n) < variety.wrong_side, np.pi, 0.0)
    about = np.deg2rad(random.normal(scale=variety.azimuth_deg, size=n)) + half_turn
    any_axis = random.normal(size=(n, 3))
    any_axis /= np.linalg.norm(any_axis, axis=1, keepdims=True)
    tilt = np.deg2rad(random.normal(scale=variety.tilt_deg, size=n))
    any_way = moves & (random.random(n) < variety.any_way)
    tilt[any_way] = random.uniform(-np.pi, np.pi, int(any_way.sum()))
    turns = rotations(any_axis, tilt) @ rotations(forearm, about)
    vectors = np.einsum("nij,ntkj->ntki", turns.astype(np.float32), vectors)
    # A mirror across z: acceleration is a vector, angular rate a pseudovector.
    mirror = np.array([[1, 1, -1], [-1, -1, 1], [1, 1, -1]], np.float32)
    vectors *= np.where((random.random(n) < 0.5)[:, None, None, None], mirror, np.float32(1))
    narrow = random.random(n) < variety.narrow
    beyond = vectors[narrow, :, 0] - np.clip(vectors[narrow, :, 0], -2, 2)
    vectors[narrow, :, 0] -= beyond
    vectors[narrow, :, 2] -= beyond
    for kind, deviation in ((1, variety.rate), (2, variety.body)):
        factor = np.exp(random.normal(scale=deviation, size=(n, 1, 1)))
        vectors[:, :, kind] *= factor.astype(np.float32)
    vectors = _paced(vectors, np.clip(1 + random.normal(scale=variety.pace, size=n), 0.8, 1.25))
    loud = np.abs(random.normal(scale=variety.noise, size=(n, 1, 1, 1))).astype(np.float32)
    vectors += loud * random.standard_normal(vectors.shape, np.float32)
    return vectors.reshape(x.shape)


def _paced(vectors: Array, factor: NDArray[np.float64]) -> Array:
    """Stretch time about the middle of each window; beyond an end the window is reflected."""
    n, window = vectors.shape[:2]
    middle = (window - 1) / 2
    at = np.abs((np.arange(window) - middle) * factor[:, None] + middle)
    at = np.where(at > window - 1, 2 * (window - 1) - at, at)
    below = np.minimum(at.astype(np.intp), window - 2)
    rest = (at - below)[:, :, None, None].astype(np.float32)
    rows = np.arange(n)[:, None]
    between: Array = vectors[rows, below] * (1 - rest) + vectors[rows, below + 1] * rest
    return between
