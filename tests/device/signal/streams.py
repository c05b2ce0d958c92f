"""Streams for the tests of the signal path."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from device.signal.path import Event, SignalPath, Window
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64, Samples

SPEC = SignalSpec()


def moments(n: int, rate_hz: float, jitter: float = 0.0, seed: int = 0) -> Float64:
    """Return n sampling times, with uniform jitter as a share of the period, both ways."""
    rng = np.random.default_rng(seed)
    t_s = (np.arange(n) + rng.uniform(-jitter, jitter, n)) / rate_hz
    return np.sort(t_s)


def walk(t_s: Float64, seed: int = 0, lost: int = 0) -> Samples:
    """Return drifting gravity, a gait of 2 Hz and some noise."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * 2.0 * t_s
    acc = np.stack([1 + 0.3 * np.sin(phase), 0.2 * np.cos(phase), 0.1 * np.sin(0.2 * t_s)], axis=1)
    gyro = np.stack([np.sin(phase + k) for k in range(3)], axis=1)
    noise = rng.normal(scale=0.02, size=(2, len(t_s), 3))
    return Samples(t_s, acc + noise[0], gyro + noise[1], lost)


def chunks(samples: Samples, cuts: Iterable[int]) -> list[Samples]:
    """Cut at the given places; equal places make empty blocks."""
    inside = sorted(min(cut, len(samples)) for cut in cuts)
    parts = [samples[a:b] for a, b in pairwise([0, *inside, len(samples)])]
    # The loss belongs to the first part only, even if that is empty.
    return [replace(part, lost=0 if n else samples.lost) for n, part in enumerate(parts)]


def push_all(path: SignalPath, blocks: Sequence[Samples]) -> list[Event]:
    return [event for block in blocks for event in path.push(block)]


def exact(events: Iterable[Event]) -> list[tuple[object, ...]]:
    """Return events in a form that compares bit by bit."""
    return [
        ("window", e.start_s, e.end_s, e.x.tobytes(), e.lost)
        if isinstance(e, Window)
        else (type(e).__name__, *(getattr(e, name) for name in e.__slots__))
        for e in events
    ]


def windows(events: Iterable[Event]) -> list[Window]:
    return [event for event in events if isinstance(event, Window)]
