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

from device.smoothing import FLOOR, Filter, Smoothing
from device.verdict import DecisionSpec
from train.wrist.calibration import reliability
from train.wrist.days import CLASSES
from train.wrist.fit import WristRecipe
from train.wrist.windows import WristWindows

UNKNOWN = len(CLASSES) - 1
HOP_S = 1.28
REJECTED = 0.035
"""Share of known windows that may be said to be unknown where this is fitted; 5 % is the target
for people not seen here."""
_TEMPERATURES = (0.7, 0.85, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7, 2.0, 2.4, 3.0)
_DWELLS_S = (30.0, 60.0)
_WEIGHTS = (0.15, 0.25, 0.4, 0.6, 1.0)
"""Chosen among by how much they get right. Wearers stay with one activity for minutes in these
data; a dwell of minutes would be right by that and slow to follow anybody else."""
_UNKNOWNS = (0.16, 0.22, 0.3, 0.4)
_UNKNOWN_TOLD = 0.66
"""Share of the unknown that the filter alone must tell where it is fitted; 60 % is the target for
people not seen here. Among the filters that do, the one that gets most of the known right is it."""
MISCALIBRATED = 0.045
"""Calibration error allowed where this is fitted; 0.05 is the target for people not seen here."""

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

    @property
    def familiar(self) -> NDArray[np.bool_]:
        """(n,): one of the labels, and the mounting known."""
        familiar: NDArray[np.bool_] = self.counts & (self.y != UNKNOWN)
        return familiar


def stretches(windows: WristWindows, rows: Rows) -> list[Stretch]:
    """Cut (n, CLASSES) probabilities by wearer."""
    return [
        Stretch(str(windows.dataset[of][0]), rows[of], windows.y[of], windows.known[of])
        for wearer in np.unique(windows.wearer)
        for of in [windows.wearer == wearer]
    ]


def fit_decision(those: Sequence[Stretch]) -> DecisionSpec:
    """Choose a decision's numbers, all wearers weighing the same, and all classes of one wearer.

    The temperature by the likelihood of what was, the filter by how much it gets right, the
    softening by how well confidence then fits.
    """
    some = [one for one in those if one.counts.any()]
    temperature = min(_TEMPERATURES, key=lambda t: sum(_raw_loss(one, t) for one in some))
    filters = [smoothing(*terms) for terms in product(_DWELLS_S, _WEIGHTS, _UNKNOWNS)]
    wary = [f for f in filters if _unfamiliar(some, temperature, f) >= _UNKNOWN_TOLD]
    ranked = sorted(
        wary or filters,
        key=lambda f: sum(_right(one, temperature, f) for one in some),
        reverse=True,
    )
    best, softening = _calibrated_enough(some, temperature, ranked)
    beliefs = [_beliefs(one, temperature, best)[one.familiar] for one in some]
    sure = _sureness(_tempered(np.concatenate(beliefs), softening))
    return DecisionSpec(
        unknown_threshold=round(min(max(float(np.quantile(sure, REJECTED)), 0.3), 0.9), 3),
        unknown_output=True,
        temperature=temperature,
        softening=softening,
        smoothing=best,
    )


@cache
def smoothing(dwell_s: float, weight: float, unknown: float) -> Smoothing:
    """Make the filter of a wearer who stays with an activity for dwell_s on average."""
    shares = np.array(WristRecipe().shares[:-1])
    prior = np.array([*(1 - unknown) * shares / shares.sum(), unknown])
    states, leave = len(prior), HOP_S / dwell_s
    transition = np.full((states, states), leave / (states - 1))
    np.fill_diagonal(transition, 1 - leave)
    return Smoothing(
        tuple(tuple(row) for row in transition.tolist()), tuple(prior.tolist()), weight
    )


def believed(rows: Rows, smoothing: Smoothing) -> Rows:
    """Run the device's own filter over a wearer's windows (n, CLASSES)."""
    forward = Filter(smoothing)
    return np.array([forward.step(row) for row in rows.tolist()]).reshape(rows.shape)


@cache
def _beliefs(stretch: Stretch, temperature: float, smoothing: Smoothing) -> Rows:
    return believed(_tempered(stretch.rows, temperature), smoothing)


@cache
def _raw_loss(stretch: Stretch, temperature: float) -> float:
    return _loss(_tempered(stretch.rows, temperature), stretch)


@cache
def _right(stretch: Stretch, temperature: float, smoothing: Smoothing) -> float:
    """Share of known windows in which what was is the likeliest, each class weighing the same."""
    right = _beliefs(stretch, temperature, smoothing).argmax(1) == stretch.y
    return _by_class(right.astype(np.float64), stretch, stretch.familiar)


def _unfamiliar(some: Sequence[Stretch], temperature: float, smoothing: Smoothing) -> float:
    """Share of the unknown windows in which `unknown` is the likeliest; 1 if there are none."""
    of = [one.counts & ~one.familiar for one in some]
    said = [
        _beliefs(one, temperature, smoothing).argmax(1)[those]
        for one, those in zip(some, of, strict=True)
    ]
    told = np.concatenate(said) == UNKNOWN
    return float(told.mean()) if len(told) else 1.0


def _calibrated_enough(
    some: Sequence[Stretch], temperature: float, ranked: Sequence[Smoothing]
) -> tuple[Smoothing, float]:
    """Give the first filter whose confidence can be made to fit, or else the first, softened."""
    first = None
    for one in ranked:
        softening, error = _calibrated(some, temperature, one)
        if error <= MISCALIBRATED:
            return one, softening
        first = first or (one, softening)
    assert first is not None  # noqa: S101 - there always are filters to rank
    return first


def _calibrated(
    some: Sequence[Stretch], temperature: float, smoothing: Smoothing
) -> tuple[float, float]:
    """Give the softening with which confidence fits best, and the calibration error left."""
    y = np.concatenate([one.y[one.familiar] for one in some])
    beliefs = np.concatenate([_beliefs(one, temperature, smoothing)[one.familiar] for one in some])
    errors = []
    for softening in _TEMPERATURES:
        labels = _tempered(beliefs, softening)[:, :UNKNOWN]
        errors.append((reliability(labels.max(axis=1), labels.argmax(axis=1) == y)[1], softening))
    error, softening = min(errors)
    return softening, error


def _loss(rows: Rows, stretch: Stretch) -> float:
    """Mean of -log probability, each class weighing the same."""
    p = rows[np.arange(len(rows)), np.maximum(stretch.y, 0)]
    return _by_class(-np.log(np.maximum(p, 1e-6)), stretch, stretch.counts)


def _by_class(values: NDArray[np.float64], stretch: Stretch, chosen: NDArray[np.bool_]) -> float:
    y, those = stretch.y[chosen], values[chosen]
    return float(np.mean([those[y == c].mean() for c in np.unique(y)])) if len(y) else 0.0


def _sureness(rows: Rows) -> NDArray[np.float64]:
    """Give the best label's probability; 0 where `unknown` has more, for then it is said anyway."""
    best = rows[:, :UNKNOWN].max(axis=1)
    return np.where(rows[:, UNKNOWN] > best, 0.0, best)


def _tempered(rows: Rows, temperature: float) -> Rows:
    """As the device's `tempered`, for many rows at once."""
    raised = np.maximum(rows, FLOOR) ** (1 / temperature) if temperature != 1 else rows
    whole: Rows = raised / raised.sum(axis=1, keepdims=True)
    return whole
