"""Tests whether gyroscope and accelerometer agree. Needs no reference, only ordinary wear.

Gravity does not turn with the arm, so in the sensor's axes it turns the opposite way: while the arm
moves slowly, dg/dt = -omega x g. A least-squares fit gives the gyro's scale against the
accelerometer: 1 if both are right, -1 if the gyro has the wrong sign. The fit is repeated for all
48 ways to name and sign the gyro's axes, to see whether another one fits better.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from device.signal import butterworth
from firmware_bridge.samples import Float64, Samples

RATE_HZ = 50.0
CUTOFF_HZ = 0.5
"""Low-pass for slow movement. Below the arm swing of walking, which hides the turn of gravity."""
LONGEST_GAP_S = 0.25
SHORTEST_S = 4.0
"""Shortest stretch; the filter needs some seconds to settle."""
EDGE_S = 0.5
"""Omitted at both ends of a stretch."""
OFF_GRAVITY_G = 0.1
"""Largest deviation of |a| from 1 g, rms over about a second. Beyond it is body acceleration."""
SLOWEST_RAD_S, FASTEST_RAD_S = 0.1, 4.0
"""Slower turns are noise and bias; faster ones do not pass the low-pass."""
FEWEST_S = 3.0
"""Slow movement that a fit needs."""

AXES: tuple[Float64, ...] = tuple(
    np.diag(signs) @ np.eye(3)[list(order)]
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
)
"""All 48 ways to name and sign three axes, as matrices; the first is the identity."""

_LEVI_CIVITA = np.array(
    [np.linalg.det(np.eye(3)[[i, j, k]]) for i in range(3) for j in range(3) for k in range(3)]
).reshape(3, 3, 3)

LowPass = Callable[[Float64], Float64]
"""A low-pass filter at CUTOFF_HZ without delay, for (n, ...) at RATE_HZ."""

_PAD = 9
_TURNED = 0.05
"""An axis needs this share of the turning of the most turned axis, to be judged."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well gyro and accelerometer agree."""

    scale: float
    """Least-squares factor on the gyro with its own axes: 1 if both sensors are right."""
    correlation: float
    """Of dg/dt and -omega x g, with the gyro's own axes; 1 without body acceleration."""
    axes: Float64
    """The element of AXES (3, 3) that gives the highest correlation when applied to the gyro."""
    best_correlation: float
    """Of dg/dt and -(axes omega) x g."""
    turned: tuple[bool, bool, bool]
    """Whether the sensor was turned about each gyro axis, so that this axis can be judged."""
    seconds: float
    """Duration of the slow movement in the fit."""

    @property
    def as_it_is(self) -> bool:
        """Return whether the gyro's own axes fit best."""
        return bool((self.axes == AXES[0]).all())


def low_pass(x: Float64) -> Float64:
    """Filter forward and backward, with odd extension at the ends, as scipy's sosfiltfilt.

    It loops over samples in Python, so it is for a minute of samples.
    """
    sections = butterworth.lowpass(2, CUTOFF_HZ, RATE_HZ)
    flat = x.reshape(len(x), -1)
    before, after = 2 * flat[0] - flat[_PAD:0:-1], 2 * flat[-1] - flat[-2 : -_PAD - 2 : -1]
    long = np.concatenate([before, flat, after])
    for _ in range(2):
        state = butterworth.steady_state(sections)[:, None] * long[0]
        long = butterworth.run(sections, long, state)[::-1]
    smooth: Float64 = long[_PAD:-_PAD].reshape(x.shape)
    return smooth


def check(worn: Iterable[Samples], low_pass: LowPass = low_pass) -> Agreement | None:
    """Fit all recordings of one sensor together; None if there is too little slow movement."""
    sums = _Sums(np.zeros((3, 9)), np.zeros((9, 9)), 0.0, 0)
    for samples in worn:
        for stretch in _stretches(samples):
            sums = sums.plus(*_slow(stretch, low_pass))
    if sums.samples < FEWEST_S * RATE_HZ:
        return None
    fits = [sums.fit(axes) for axes in AXES]
    scale, correlation = fits[0]
    best = max(range(len(AXES)), key=lambda i: fits[i][1])
    return Agreement(
        scale, correlation, AXES[best], fits[best][1], sums.turned(), sums.samples / RATE_HZ
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums that a fit needs of dg/dt and of the products of omega's and g's components."""

    turning_product: Float64
    product_product: Float64
    turning2: float
    samples: int

    def plus(self, turning: Float64, product: Float64) -> "_Sums":
        flat = product.reshape(len(product), 9)
        return _Sums(
            self.turning_product + turning.T @ flat,
            self.product_product + flat.T @ flat,
            self.turning2 + float((turning**2).sum()),
            self.samples + len(turning),
        )

    def fit(self, axes: Float64) -> tuple[float, float]:
        """Return scale and correlation of dg/dt = -(axes omega) x g."""
        cross = -np.einsum("ijk,jl->ilk", _LEVI_CIVITA, axes).reshape(3, 9)
        both = float((self.turning_product * cross).sum())
        squares = float(((cross @ self.product_product) * cross).sum())
        size = (squares * self.turning2) ** 0.5
        return both / squares if squares else 0.0, both / size if size else 0.0

    def turned(self) -> tuple[bool, bool, bool]:
        # A turn about gravity moves nothing, so only products with the other axes count.
        share = np.diag(self.product_product).reshape(3, 3) * (1 - np.eye(3))
        x, y, z = (share.sum(axis=1) > _TURNED * share.sum(axis=1).max()).tolist()
        return x, y, z


def _slow(samples: Samples, low_pass: LowPass) -> tuple[Float64, Float64]:
    """Return dg/dt (n, 3) and the products of omega's and g's components (n, 3, 3), if slow."""
    grid_s = np.arange(samples.t_s[0], samples.t_s[-1], 1 / RATE_HZ)
    raw = np.column_stack([samples.acc_g, samples.gyro_rad_s])
    even = np.stack([np.interp(grid_s, samples.t_s, axis) for axis in raw.T], axis=1)
    # Multiply first, then filter: the slow part of a product is not the product of slow parts.
    fast_product = even[:, 3:, None] * even[:, None, :3]
    off_gravity = np.linalg.norm(even[:, :3], axis=1) - 1
    together = low_pass(np.column_stack([even, fast_product.reshape(-1, 9), off_gravity**2]))
    smooth, product, off_g2 = together[:, :6], together[:, 6:15].reshape(-1, 3, 3), together[:, 15]
    turning = np.gradient(smooth[:, :3], 1 / RATE_HZ, axis=0)
    speed = np.linalg.norm(smooth[:, 3:], axis=1)
    slow = (off_g2 < OFF_GRAVITY_G**2) & (speed > SLOWEST_RAD_S) & (speed < FASTEST_RAD_S)
    edge = round(EDGE_S * RATE_HZ)
    slow[:edge] = slow[-edge:] = False
    return turning[slow], product[slow]


def _stretches(samples: Samples) -> Iterator[Samples]:
    breaks = 1 + np.flatnonzero(np.diff(samples.t_s) > LONGEST_GAP_S)
    for first, end in itertools.pairwise([0, *breaks.tolist(), len(samples)]):
        part = samples[first:end]
        if len(part) and part.t_s[-1] - part.t_s[0] >= SHORTEST_S:
            yield part
