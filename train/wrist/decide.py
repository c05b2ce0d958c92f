"""Fit what turns a model's probabilities into decisions, on people the model has not seen.

Temperature, smoothing and threshold are eight numbers in all; they are fitted to the probabilities
that models gave of left-out people, wearer after wearer, in the order of their day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
_DWELLS_S = (30.0, 60.0, 120.0)
_WEIGHTS = (0.15, 0.25, 0.4, 0.6, 1.0)
_PRIOR = WristRecipe().shares
"""What the model was shown of each class, and so what its probabilities are to be divided by."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One wearer's windows in order: what the model said, what was, and whether it may count."""

    rows: Rows
    """(n, CLASSES)"""
    y: NDArray[np.int64]
    """(n,): -1 does not count."""
    known: NDArray[np.bool_]


def stretches(windows: WristWindows, rows: Rows) -> list[Stretch]:
    """Cut (n, CLASSES) probabilities by wearer."""
    return [
        Stretch(rows[of], windows.y[of], windows.known[of])
        for wearer in np.unique(windows.wearer)
        for of in [windows.wearer == wearer]
    ]


def fit_decision(those: Sequence[Stretch]) -> DecisionSpec:
    """Choose temperature, then filter, by the likelihood of what was; then the threshold."""
    temperature = min(
        _TEMPERATURES, key=lambda t: sum(_loss(_tempered(s.rows, t), s) for s in those)
    )
    warm = [replace(s, rows=_tempered(s.rows, temperature)) for s in those]
    filters = [smoothing(dwell, weight) for dwell, weight in product(_DWELLS_S, _WEIGHTS)]
    best = min(filters, key=lambda f: sum(_loss(believed(s.rows, f), s) for s in warm))
    beliefs = np.concatenate([believed(s.rows, best) for s in warm])
    y = np.concatenate([s.y for s in those])
    usable = np.concatenate([s.known for s in those])
    sure = beliefs[:, :UNKNOWN].max(axis=1)
    sure = np.where(beliefs[:, UNKNOWN] > sure, 0.0, sure)  # said to be unfamiliar as it is
    counts = usable & (y >= 0) & (y != UNKNOWN)
    threshold = float(np.quantile(sure[counts], REJECTED))
    return DecisionSpec(
        unknown_threshold=round(min(max(threshold, 0.3), 0.9), 3),
        unknown_output=True,
        temperature=temperature,
        smoothing=best,
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


def _tempered(rows: Rows, temperature: float) -> Rows:
    return np.array([tempered(row, temperature) for row in rows.tolist()]).reshape(rows.shape)


def _loss(rows: Rows, stretch: Stretch) -> float:
    """Sum of -log probability, each class weighing the same within the wearer."""
    counts = stretch.known & (stretch.y >= 0)
    y, p = stretch.y[counts], rows[counts]
    if not len(y):
        return 0.0
    losses = -np.log(np.maximum(p[np.arange(len(y)), y], 1e-6))
    return float(np.mean([losses[y == c].mean() for c in np.unique(y)]))


def _unit(row: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded = np.round(row, 8)
    rounded[rounded.argmax()] += 1 - rounded.sum()
    return rounded
