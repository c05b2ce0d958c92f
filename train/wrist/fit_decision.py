"""Fit what turns a model's probabilities into decisions, on people the model has not seen.

Temperatures, filter and threshold are seven numbers in all; they are fitted to the probabilities
that models gave of left-out people, wearer after wearer, in the order of their day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from train.wrist.hmm_filters import Rows, believed, smoothing, tempered
from train.wrist.reliability import reliability
from train.wrist.wear_days import CLASSES
from train.wrist.windows import WristWindows

UNKNOWN = len(CLASSES) - 1
UNKNOWN_TOLD: Final = 0.68
"""Share of the unknown windows that must be told where this is fitted; 60 % is the target for
people not seen here. Of all that tell as many, what gets most of the known right is chosen."""
MISCALIBRATED: Final = 0.045
"""Calibration error allowed where this is fitted; 0.05 is the target for people not seen here."""
_TEMPERATURES = (0.7, 0.85, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7, 2.0, 2.4, 3.0)
_DWELLS_S = (30.0, 60.0)
"""Wearers stay with one activity for minutes in these data; a dwell of minutes would be right by
that and slow to follow anybody else."""
_WEIGHTS = (0.15, 0.25, 0.4, 0.6)
_CHANGES = (0.0, 0.2, 0.35, 0.5)
_UNKNOWNS = (0.16, 0.22, 0.3, 0.4)
_THRESHOLDS = np.arange(0.3, 0.91, 0.01)


@dataclass(frozen=True, slots=True)
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
    """Choose a decision's numbers; a wearer weighs by time, and all classes of one wearer alike.

    A quarter of the wearers gave less than fifteen minutes, half of them over fifty: these know
    better how a day is to be smoothed.

    The temperature by the likelihood of what was; the filter by how much of the known is right at
    the threshold that tells enough of the unknown, among those whose confidence can be made to
    fit.
    """
    some = [one for one in those if one.counts.any()]
    y = np.concatenate([one.y[one.counts] for one in some])
    weights = np.concatenate([_weights(one) for one in some])
    temperature = min(_TEMPERATURES, key=lambda t: _loss(some, t, y, weights))
    warm = [tempered(one.rows, temperature) for one in some]

    def beliefs(one: HmmSpec) -> Rows:
        found = believed(warm, one)
        return np.concatenate([b[s.counts] for b, s in zip(found, some, strict=True)])

    def worth(one: HmmSpec) -> tuple[bool, float]:
        _, told, right = _threshold(beliefs(one), y, weights)
        return told >= UNKNOWN_TOLD, right

    filters = [smoothing(*terms) for terms in product(_DWELLS_S, _WEIGHTS, _CHANGES, _UNKNOWNS)]
    ranked = sorted(filters, key=worth, reverse=True)
    fits = ((one, *_softening(beliefs(one), y)) for one in ranked)
    best, softening, _ = next((fit for fit in fits if fit[2] <= MISCALIBRATED), (ranked[0], 1.0, 1))
    threshold, _, _ = _threshold(tempered(beliefs(best), softening), y, weights)
    return DecisionSpec(
        unknown_threshold=threshold,
        unknown_output=True,
        temperature=temperature,
        softening=softening,
        smoothing=best,
    )


def _threshold(belief: Rows, y: NDArray[np.int64], weights: Rows) -> tuple[float, float, float]:
    """Give the lowest threshold that tells enough of the unknown, else that which tells most.

    And the share of the unknown told, and of the known right, each by its weight.
    """
    labels, strange = belief[:, :UNKNOWN], y == UNKNOWN
    sure, best = labels.max(axis=1), labels.argmax(axis=1)
    sure[belief[:, UNKNOWN] > sure] = 0.0  # said to be unknown anyway
    whole = weights[~strange].sum()
    threshold, told = 0.0, 0.0
    for threshold in _THRESHOLDS.tolist():
        told = float((sure[strange] < threshold).mean()) if strange.any() else 1.0
        if told >= UNKNOWN_TOLD:
            break
    right = weights[~strange & (best == y) & (sure >= threshold)].sum() / whole
    return round(threshold, 3), told, float(right)


def _softening(belief: Rows, y: NDArray[np.int64]) -> tuple[float, float]:
    """Give the softening with which confidence fits best, and the calibration error left."""
    known = y != UNKNOWN
    belief, y = belief[known], y[known]
    errors = []
    for softening in _TEMPERATURES:
        labels = tempered(belief, softening)[:, :UNKNOWN]
        errors.append((reliability(labels.max(axis=1), labels.argmax(axis=1) == y)[1], softening))
    error, softening = min(errors)
    return softening, error


def _loss(
    some: Sequence[Stretch], temperature: float, y: NDArray[np.int64], weights: Rows
) -> float:
    """Sum of -log probability of what was, by weight."""
    p = np.concatenate([tempered(one.rows, temperature)[one.counts] for one in some])
    return float((weights * -np.log(np.maximum(p[np.arange(len(y)), y], 1e-6))).sum())


def _weights(one: Stretch) -> Rows:
    """Give each window that counts its weight: 1 in the mean, each class of the wearer alike."""
    y = one.y[one.counts]
    _, inverse, sizes = np.unique(y, return_inverse=True, return_counts=True)
    weights: Rows = len(y) / (len(sizes) * sizes[inverse])
    return weights
