"""Fit what turns a model's probabilities into decisions, on people the model has not seen.

Temperatures, smoothing and threshold are five numbers in all; they are fitted to the probabilities
that models gave of left-out people, wearer after wearer, in the order of their day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from device.smoothing import Filter, Smoothing, tempered
from device.verdict import DecisionSpec
from train.wrist.days import CLASSES
from train.wrist.fit import WristRecipe
from train.wrist.windows import WristWindows

UNKNOWN = len(CLASSES) - 1
HOP_S = 1.28
REJECTED = 0.04
"""Share of known windows that may be said to be unknown where this is fitted; 5 % is the target
for people not seen here."""
_TEMPERATURES = (0.7, 0.85, 1.0, 1.2, 1.5, 1.9, 2.4, 3.0)
_DWELLS_S = (30.0, 60.0)
_WEIGHTS = (0.15, 0.25, 0.4, 0.6, 1.0)
"""Chosen among by how much they get right. Wearers stay with one activity for minutes in these
data; a dwell of minutes would be right by that and slow to follow anybody else."""
_PRIOR = WristRecipe().shares
"""What the model was shown of each class, and so what its probabilities are to be divided by."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, eq=False)  # each is itself, so that what was found of it can be kept
class Stretch:
    """One wearer's windows in order: what the model said, what was, and whether it may count."""

    dataset: str
    rows: Rows
    """(n, CLASSES)"""
    y: NDArray[np.int64]
    """(n,): -1 does not count."""
    known: NDArray[np.bool_]

    @property
    def counts(self) -> NDArray[np.bool_]:
        """(n,): labelled, and the mounting known."""
        return self.known & (self.y >= 0)


def stretches(windows: WristWindows, rows: Rows) -> list[Stretch]:
    """Cut (n, CLASSES) probabilities by wearer."""
    return [
        Stretch(str(windows.dataset[of][0]), rows[of], windows.y[of], windows.known[of])
        for wearer in np.unique(windows.wearer)
        for of in [windows.wearer == wearer]
    ]


def fit_decision(those: Sequence[Stretch]) -> DecisionSpec:
    """Choose temperatures by the likelihood of what was, the filter by how much it gets right.

    Wearers weigh the same, and so do the classes of one wearer.
    """
    some = [one for one in those if one.counts.any()]
    temperature = min(_TEMPERATURES, key=lambda t: sum(_raw_loss(one, t) for one in some))
    dwell_s, weight = max(
        product(_DWELLS_S, _WEIGHTS),
        key=lambda terms: sum(_right(one, temperature, *terms) for one in some),
    )
    softening = min(
        _TEMPERATURES,
        key=lambda t: sum(_loss(_soft(one, temperature, dwell_s, weight, t), one) for one in some),
    )
    sure = np.concatenate(
        [
            _sureness(_soft(one, temperature, dwell_s, weight, softening))[
                one.counts & (one.y != UNKNOWN)
            ]
            for one in some
        ]
    )
    return DecisionSpec(
        unknown_threshold=round(min(max(float(np.quantile(sure, REJECTED)), 0.3), 0.9), 3),
        unknown_output=True,
        temperature=temperature,
        softening=softening,
        smoothing=smoothing(dwell_s, weight),
    )


def smoothing(dwell_s: float, weight: float) -> Smoothing:
    """Make the filter of a wearer who stays with an activity for dwell_s on average."""
    states = len(CLASSES)
    leave = HOP_S / dwell_s
    prior = np.array(_PRIOR) / sum(_PRIOR)
    transition = np.empty((states, states))
    for state in range(states):
        others = np.where(np.arange(states) == state, 0.0, prior)
        transition[state] = leave * others / others.sum()
        transition[state, state] = 1 - leave
    return Smoothing(
        tuple(tuple(round(float(p), 8) for p in _unit(row)) for row in transition),
        tuple(float(p) for p in prior),
        weight,
    )


def believed(rows: Rows, smoothing: Smoothing) -> Rows:
    """Run the device's own filter over a wearer's windows (n, CLASSES)."""
    forward = Filter(smoothing)
    return np.array([forward.step(row) for row in rows.tolist()]).reshape(rows.shape)


@cache
def _beliefs(stretch: Stretch, temperature: float, dwell_s: float, weight: float) -> Rows:
    return believed(_tempered(stretch.rows, temperature), smoothing(dwell_s, weight))


@cache
def _soft(
    stretch: Stretch, temperature: float, dwell_s: float, weight: float, softening: float
) -> Rows:
    return _tempered(_beliefs(stretch, temperature, dwell_s, weight), softening)


@cache
def _raw_loss(stretch: Stretch, temperature: float) -> float:
    return _loss(_tempered(stretch.rows, temperature), stretch)


@cache
def _right(stretch: Stretch, temperature: float, dwell_s: float, weight: float) -> float:
    """Share of windows in which what was is the likeliest, each class weighing the same."""
    right = _beliefs(stretch, temperature, dwell_s, weight).argmax(1) == stretch.y
    return _by_class(right.astype(np.float64), stretch)


def _loss(rows: Rows, stretch: Stretch) -> float:
    """Mean of -log probability, each class weighing the same."""
    p = rows[np.arange(len(rows)), np.maximum(stretch.y, 0)]
    return _by_class(-np.log(np.maximum(p, 1e-6)), stretch)


def _by_class(values: NDArray[np.float64], stretch: Stretch) -> float:
    y, those = stretch.y[stretch.counts], values[stretch.counts]
    return float(np.mean([those[y == c].mean() for c in np.unique(y)]))


def _sureness(rows: Rows) -> NDArray[np.float64]:
    """Give the best label's probability; 0 where `unknown` has more, for then it is said anyway."""
    best = rows[:, :UNKNOWN].max(axis=1)
    return np.where(rows[:, UNKNOWN] > best, 0.0, best)


def _tempered(rows: Rows, temperature: float) -> Rows:
    return np.array([tempered(row, temperature) for row in rows.tolist()]).reshape(rows.shape)


def _unit(row: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded = np.round(row, 8)
    rounded[rounded.argmax()] += 1 - rounded.sum()
    return rounded
