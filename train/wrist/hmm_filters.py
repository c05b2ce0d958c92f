"""The device's HMM filter for many wearers together, to choose among many filters."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from device.decision.hmm_filter import FLOOR, HmmSpec
from train.wrist.fit import WristRecipe
from train.wrist.spec import HOP_S

Rows = NDArray[np.float64]


@cache
def smoothing(dwell_s: float, weight: float, change: float, unknown: float) -> HmmSpec:
    """Return the filter for activities that last dwell_s on average.

    Probabilities are divided by the prior: the shares of the classes in training. Only the share
    of the last class, `unknown`, is a parameter.
    """
    shares = np.array(WristRecipe().shares[:-1])
    prior = np.array([*(1 - unknown) * shares / shares.sum(), unknown])
    states, leave = len(prior), HOP_S / dwell_s
    transition = np.full((states, states), leave / (states - 1))
    np.fill_diagonal(transition, 1 - leave)
    return HmmSpec(
        tuple(tuple(row) for row in transition.tolist()), tuple(prior.tolist()), weight, change
    )


def believed(wearers: Sequence[Rows], smoothing: HmmSpec) -> list[Rows]:
    """Filter each wearer's (n, S) probabilities, like HmmFilter of the device window by window."""
    if not wearers:
        return []
    prior, transition = np.array(smoothing.prior), np.array(smoothing.transition)
    longest = max(len(rows) for rows in wearers)
    padded = np.ones((longest, len(wearers), len(prior)))
    for at, rows in enumerate(wearers):
        padded[: len(rows), at] = rows
    outputs = np.maximum(padded, FLOOR)
    before = np.concatenate([np.broadcast_to(prior, outputs[:1].shape), outputs[:-1]])
    likelihood = (outputs / prior) ** smoothing.weight * (outputs / before) ** smoothing.change
    belief = np.broadcast_to(prior, padded.shape[1:])
    for now in likelihood:
        joint = (belief @ transition) * now
        belief = joint / joint.sum(axis=1, keepdims=True)
        now[:] = belief
    return [likelihood[: len(rows), at] for at, rows in enumerate(wearers)]


def tempered(rows: Rows, temperature: float) -> Rows:
    """Apply a temperature to many rows together, like `tempered` of the device to one row."""
    raised = np.maximum(rows, FLOOR) ** (1 / temperature) if temperature != 1 else rows
    whole: Rows = raised / raised.sum(axis=1, keepdims=True)
    return whole
