"""How well decisions name what left-out wearers did: all of it as the device would have said."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.decision.judge import DecisionSpec, Judge
from train.datasets.piece import LABELS
from train.wrist.fit_decision import UNKNOWN
from train.wrist.hmm_filters import Rows
from train.wrist.reliability import reliability
from train.wrist.spec import HOP_S
from train.wrist.wear_days import CLASSES
from train.wrist.windows import WristWindows


@dataclass(frozen=True, slots=True)
class Said:
    """Decisions on n windows."""

    y: NDArray[np.int64]
    """(n,): what was; -1: not labelled."""
    said: NDArray[np.int64]
    """(n,): index into CLASSES; the last is any `unknown`."""
    confidence: NDArray[np.float64]
    guess: NDArray[np.int64]
    """(n,): the likeliest label, said or not."""
    raw: NDArray[np.int64]
    """(n,): the label likeliest by this window alone."""
    known: NDArray[np.bool_]
    """(n,): whether the mounting was known."""


def say(windows: WristWindows, rows: Rows, spec: DecisionSpec, postures: Sequence[str]) -> Said:
    """Judge each wearer's windows in order, as the pipeline does."""
    said, confidence, guesses = [], [], []
    for wearer in dict.fromkeys(windows.wearer.tolist()):
        of = windows.wearer == wearer
        judge, mounted = Judge(LABELS, spec, postures), False
        for row, known in zip(rows[of].tolist(), windows.known[of].tolist(), strict=True):
            if known and not mounted:
                judge.reset()
            mounted = known
            verdict = judge.judge(row, mounted=known)
            guess = LABELS.index(verdict.likeliest)
            said.append(UNKNOWN if verdict.activity is None else guess)
            confidence.append(verdict.confidence)
            guesses.append(guess)
    return Said(
        windows.y,
        np.array(said, np.int64),
        np.array(confidence, np.float64),
        np.array(guesses, np.int64),
        rows[:, :UNKNOWN].argmax(axis=1),
        windows.known,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of 1. `unknown` where an activity was is wrong, unless it says otherwise."""

    windows: int
    """Of walking, running, stairs, sitting and standing; so too accuracy and recall."""
    accuracy: float
    accuracy_raw: float
    """Each window alone, the likeliest label: no smoothing, no `unknown`."""
    accuracy_forced: float
    """Smoothed, the likeliest label: no `unknown`."""
    accuracy_stairs_as_walking: float
    recall: dict[str, float]
    """Of all five labels and `unknown`, where there are windows of it."""
    known_rejected: float
    """Share of windows of the five labels said to be unknown."""
    calibration_error: float
    """Expected calibration error of the confidence in the likeliest label, ten bins; once the
    mounting is known."""
    confusion: list[list[int]]
    """Windows by what was (row) and what was said (column), in the order of CLASSES."""
    reliability: list[list[float]]
    """By bin: windows, mean confidence, share right."""

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON takes it."""
        return asdict(self)


def figures(said: Said) -> Figures:
    """Count."""
    labelled = said.y >= 0
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (said.y[labelled], said.said[labelled]), 1)
    core = labelled & (said.y < UNKNOWN)
    y = said.y[core]

    def share(right: NDArray[np.bool_]) -> float:
        return float(right.mean()) if len(right) else float("nan")

    merged = np.where(said.said[core] == 2, 0, said.said[core]) == np.where(y == 2, 0, y)
    sure = said.known & labelled & (said.y < UNKNOWN)
    rows, error = reliability(said.confidence[sure], (said.guess == said.y)[sure])
    return Figures(
        windows=int(core.sum()),
        accuracy=share(said.said[core] == y),
        accuracy_raw=share(said.raw[core] == y),
        accuracy_forced=share(said.guess[core] == y),
        accuracy_stairs_as_walking=share(merged),
        recall={
            name: float(confusion[c, c] / confusion[c].sum())
            for c, name in enumerate(CLASSES)
            if confusion[c].any()
        },
        known_rejected=share(said.said[core] == UNKNOWN),
        calibration_error=error,
        confusion=confusion.tolist(),
        reliability=rows,
    )


def joined(parts: Sequence[Said]) -> Said:
    """Put the decisions on several folds' people together."""
    return Said(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Said)}
    )


def of(said: Said, chosen: NDArray[np.bool_]) -> Said:
    """Give those decisions that are chosen."""
    return Said(**{f.name: getattr(said, f.name)[chosen] for f in fields(Said)})


def delay_s(said: Said, windows: WristWindows) -> NDArray[np.float64]:
    """Measure from each change of activity how long it took until the new one was said, seconds.

    From the end of the first window wholly in the new activity; one that is never said counts as
    long as it lasted.
    """
    delays = []
    for wearer in dict.fromkeys(windows.wearer.tolist()):
        of = np.flatnonzero((windows.wearer == wearer) & (windows.y >= 0) & (windows.y < UNKNOWN))
        y = said.y[of]
        starts = [*(np.flatnonzero(np.diff(y)) + 1), len(y)]
        for begin, end in pairwise(starts):
            right = np.flatnonzero(said.said[of[begin:end]] == y[begin])
            waited = right[0] if len(right) else end - begin
            delays.append(HOP_S * waited)
    return np.array(delays)
