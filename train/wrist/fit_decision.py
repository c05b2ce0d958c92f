"""Fits the parameters of decisions to probabilities of left-out people.

There are seven parameters: temperatures, filter and threshold. The probabilities come from models
that left out these people, wearer by wearer, in the order of the day.
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
UNKNOWN_DETECTED: Final = 0.68
"""Share of unknown windows to detect in the fit; the target for other people is 60 %. Of the
parameters that reach this share, the fit chooses those with the highest accuracy on known
activities."""
MISCALIBRATED: Final = 0.045
"""Largest accepted calibration error in the fit; the target for other people is 0.05."""
_TEMPERATURES = (0.7, 0.85, 1.0, 1.1, 1.2, 1.35, 1.5, 1.7, 2.0, 2.4, 3.0)
_DWELLS_S = (30.0, 60.0)
"""In these data an activity lasts minutes. A dwell of minutes would fit the data, but would follow
other wearers too slowly."""
_WEIGHTS = (0.15, 0.25, 0.4, 0.6)
_CHANGES = (0.0, 0.2, 0.35, 0.5)
_UNKNOWNS = (0.16, 0.22, 0.3, 0.4)
_THRESHOLDS = np.arange(0.3, 0.91, 0.01)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One wearer's n windows in order."""

    dataset: str
    rows: Rows
    """(n, CLASSES) probabilities."""
    y: NDArray[np.int64]
    """(n,) true index into CLASSES; -1 does not count."""
    known: NDArray[np.bool_]

    @property
    def counts(self) -> NDArray[np.bool_]:
        """(n,): whether a window is labelled and its mounting is known."""
        return self.known & (self.y >= 0)


def stretches(windows: WristWindows, rows: Rows) -> list[Stretch]:
    """Split (n, CLASSES) probabilities by wearer."""
    return [
        Stretch(str(windows.dataset[of][0]), rows[of], windows.y[of], windows.known[of])
        for wearer in np.unique(windows.wearer)
        for of in [windows.wearer == wearer]
    ]


def fit_decision(wearers: Sequence[Stretch]) -> DecisionSpec:
    """Choose the parameters of decisions.

    A wearer's weight is the time of the recordings; the classes of one wearer have equal weights.
    A quarter of the wearers have less than 15 minutes, half more than 50; long days show better
    how to smooth.

    The temperature maximises the likelihood. Of the filters whose confidence can be calibrated,
    the chosen one has the highest accuracy on known activities at the threshold that detects
    enough unknown windows.
    """
    scored = [one for one in wearers if one.counts.any()]
    y = np.concatenate([one.y[one.counts] for one in scored])
    weights = np.concatenate([_weights(one) for one in scored])
    temperature = min(_TEMPERATURES, key=lambda t: _loss(scored, t, y, weights))
    warm = [tempered(one.rows, temperature) for one in scored]

    def beliefs(one: HmmSpec) -> Rows:
        parts = zip(believed(warm, one), scored, strict=True)
        return np.concatenate([belief[wearer.counts] for belief, wearer in parts])

    def worth(one: HmmSpec) -> tuple[bool, float]:
        _, detected, right = _threshold(beliefs(one), y, weights)
        return detected >= UNKNOWN_DETECTED, right

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
    """Return the lowest threshold that detects enough unknown windows, else the highest.

    Also return the share of unknown windows detected, and the weighted accuracy on known windows.
    """
    labels, strange = belief[:, :UNKNOWN], y == UNKNOWN
    sure, best = labels.max(axis=1), labels.argmax(axis=1)
    sure[belief[:, UNKNOWN] > sure] = 0.0  # the decision is `unknown` at any threshold
    whole = weights[~strange].sum()
    threshold, detected = 0.0, 0.0
    for threshold in _THRESHOLDS.tolist():
        detected = float((sure[strange] < threshold).mean()) if strange.any() else 1.0
        if detected >= UNKNOWN_DETECTED:
            break
    right = weights[~strange & (best == y) & (sure >= threshold)].sum() / whole
    return round(threshold, 3), detected, float(right)


def _softening(belief: Rows, y: NDArray[np.int64]) -> tuple[float, float]:
    """Return the softening with the smallest calibration error, and that error."""
    known = y != UNKNOWN
    belief, y = belief[known], y[known]
    errors = []
    for softening in _TEMPERATURES:
        labels = tempered(belief, softening)[:, :UNKNOWN]
        errors.append((reliability(labels.max(axis=1), labels.argmax(axis=1) == y)[1], softening))
    error, softening = min(errors)
    return softening, error


def _loss(
    scored: Sequence[Stretch], temperature: float, y: NDArray[np.int64], weights: Rows
) -> float:
    """Return the weighted sum of -log probability of the true classes."""
    p = np.concatenate([tempered(one.rows, temperature)[one.counts] for one in scored])
    return float((weights * -np.log(np.maximum(p[np.arange(len(y)), y], 1e-6))).sum())


def _weights(one: Stretch) -> Rows:
    """Return the weight of each window that counts: mean 1, equal sums for all classes."""
    y = one.y[one.counts]
    _, inverse, sizes = np.unique(y, return_inverse=True, return_counts=True)
    weights: Rows = len(y) / (len(sizes) * sizes[inverse])
    return weights
