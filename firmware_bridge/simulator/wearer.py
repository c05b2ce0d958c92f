"""A synthetic wearer: moves by a few hundred numbers fitted from recordings of people.

For demonstrations and tests without recorded data; results with it prove nothing about people.
Each activity has a mean acceleration and coloured noise, a gait also harmonics of the stride in
each channel. `edgehar data fit-wearer` makes the numbers (train/studies/wearer_fit.py).
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64, Samples

NUMBERS = Path(__file__).with_name("wearer.json")
"""A sensor at the waist: walking, up and down stairs, sitting, standing, lying."""
WRIST_NUMBERS = Path(__file__).with_name("wrist_wearer.json")
"""A sensor at the wrist: walking, stairs, running, sitting, standing."""
TRANSITION_S = 2.0
"""Time of the change from one activity to the next, centred on the script's instant."""
JITTER = 0.02
"""Standard deviation of a healthy adult's stride rate, as a share of the rate."""
JITTER_S = 2.0
"""Time constant with which a deviation of the rate decays."""


class Wearer:
    """A wearer; the seed determines every movement."""

    def __init__(self, seed: int = 0, numbers: Path = NUMBERS) -> None:
        """Read the numbers. Raises InputError if they cannot be read."""
        self._seed = seed
        try:
            self._activities: dict[str, Any] = json.loads(numbers.read_text("utf-8"))["activities"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{numbers}: not a file of wearer numbers ({error!r})") from error

    @property
    def activities(self) -> tuple[str, ...]:
        """The activities that the numbers describe."""
        return tuple(self._activities)

    def samples(
        self, script: Sequence[tuple[str, float]], rate_hz: float = 50.0
    ) -> tuple[Samples, list[str]]:
        """Act out a script of (activity, seconds); return the samples and their labels.

        Samples in the transition between two activities have the label ''; in it the gyroscope
        agrees with the turn of gravity: dg/dt = -omega x g.
        Raises InputError if an activity is not in `activities`.
        """
        random = np.random.default_rng(self._seed)
        ends_s = np.cumsum([0.0, *(seconds for _, seconds in script)])
        t_s = np.arange(round(ends_s[-1] * rate_hz)) / rate_hz
        gravity, motion = np.zeros((len(t_s), 3)), np.zeros((len(t_s), 6))
        length, labels = np.zeros((len(t_s), 1)), np.full(len(t_s), "", dtype=object)
        for i, (activity, _) in enumerate(script):
            if activity not in self._activities:
                raise InputError(
                    f"unknown activity {activity!r}; known: {', '.join(self.activities)}"
                )
            numbers = self._activities[activity]
            begin = ends_s[i] - TRANSITION_S / 2 if i else -math.inf
            end = ends_s[i + 1] + TRANSITION_S / 2 if i + 1 < len(script) else math.inf
            rows = slice(*np.searchsorted(t_s, (begin, end)))
            share = _rise((t_s[rows] - begin) / TRANSITION_S)
            share *= _rise((end - t_s[rows]) / TRANSITION_S)
            labels[rows][share >= 1] = activity
            mean_g = np.array(numbers["mean_g"])
            gravity[rows] += share[:, np.newaxis] * mean_g
            length[rows] += share[:, np.newaxis] * np.linalg.norm(mean_g)
            motion[rows] += share[:, np.newaxis] * _motion(numbers, len(share), rate_hz, random)
        # Between two postures gravity turns but keeps its length.
        down = gravity / np.maximum(np.linalg.norm(gravity, axis=1, keepdims=True), 1e-9)
        if len(t_s) > 1:
            motion[:, 3:] += np.cross(np.gradient(down, 1 / rate_hz, axis=0), down)
        return Samples(t_s, down * length + motion[:, :3], motion[:, 3:]), labels.tolist()


def _rise(share: Float64) -> Float64:
    """Return half a cosine from 0 to 1."""
    rise: Float64 = 0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0, 1))
    return rise


def _motion(
    numbers: dict[str, Any], count: int, rate_hz: float, random: np.random.Generator
) -> Float64:
    """Return the movement around the mean: (count, 6) in g and rad/s."""
    noise = [_coloured(count, rate_hz * tau_s, random) for tau_s in numbers["noise_s"]]
    motion: Float64 = np.stack(noise, axis=1) * np.array(numbers["noise"], np.float64)
    motion += np.array(numbers["gyro_rad_s"])
    gait = numbers.get("gait")
    if gait:
        drift = 1 + JITTER * _coloured(count, rate_hz * JITTER_S, random)
        turns = np.cumsum(gait["stride_hz"] * drift) / rate_hz + random.uniform()
        phase = 2 * np.pi * np.outer(turns, np.arange(1, len(gait["cosine"]) + 1))
        motion += np.cos(phase) @ np.array(gait["cosine"])
        motion += np.sin(phase) @ np.array(gait["sine"])
    return motion


def _coloured(count: int, memory: float, random: np.random.Generator) -> Float64:
    """Return noise of deviation 1 with a correlation of 1/e after `memory` samples."""
    if not count:
        return np.zeros(0)
    keep = math.exp(-1 / max(memory, 1e-3))
    reach = math.ceil(8 * max(memory, 1))
    kernel = math.sqrt(1 - keep**2) * keep ** np.arange(reach)
    white = random.standard_normal(count + reach - 1)
    noise: Float64 = np.convolve(white, kernel, mode="valid")
    return noise
