"""Makes decisions on left-out wearers with the device's judge, and scores them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from device.decision.judge import DecisionSpec, Judge
from train.datasets.columns import Columns
from train.datasets.piece import LABELS
from train.wrist.fit_decision import UNKNOWN
from train.wrist.hmm_filters import Rows
from train.wrist.reliability import reliability
from train.wrist.spec import HOP_S
from train.wrist.wear_days import CLASSES
from train.wrist.windows import WristWindows


@dataclass(frozen=True, slots=True)
class Decisions(Columns):
    """Decisions on n windows."""

    y: NDArray[np.int64]
    """(n,): true index into CLASSES; -1 if not labelled."""
    decided: NDArray[np.int64]
    """(n,): decided index into CLASSES; the last is `unknown`, for any reason."""
    confidence: NDArray[np.float64]
    likeliest: NDArray[np.int64]
    """(n,): the likeliest label, also if the decision is `unknown`."""
    raw: NDArray[np.int64]
    """(n,): the likeliest label of this window alone."""
    known: NDArray[np.bool_]
    """(n,): whether the mounting is known."""


def decide(
    windows: WristWindows, rows: Rows, spec: DecisionSpec, postures: Sequence[str]
) -> Decisions:
    """Judge each wearer's windows in order, like the pipeline; rows are (n, CLASSES)."""
    decided, confidence, likeliest = [], [], []
    for wearer in dict.fromkeys(windows.wearer.tolist()):
        of = windows.wearer == wearer
        judge, mounted = Judge(LABELS, spec, postures), False
        for row, known in zip(rows[of].tolist(), windows.known[of].tolist(), strict=True):
            if known and not mounted:
                judge.reset()
            mounted = known
            verdict = judge.judge(row, mounted=known)
            label = LABELS.index(verdict.likeliest)
            decided.append(UNKNOWN if verdict.activity is None else label)
            confidence.append(verdict.confidence)
            likeliest.append(label)
    return Decisions(
        windows.y,
        np.array(decided, np.int64),
        np.array(confidence, np.float64),
        np.array(likeliest, np.int64),
        rows[:, :UNKNOWN].argmax(axis=1),
        windows.known,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of 1. `unknown` for a known activity counts as wrong unless stated otherwise."""

    windows: int
    """Number of windows with a known activity, one of LABELS; accuracies are over these."""
    accuracy: float
    accuracy_raw: float
    """Accuracy of the likeliest label of each window alone: no smoothing, no `unknown`."""
    accuracy_forced: float
    """Accuracy of the likeliest label after smoothing: no `unknown`."""
    accuracy_stairs_as_walking: float
    recall: dict[str, float]
    """By class, the five labels and `unknown`; classes without windows are absent."""
    known_rejected: float
    """Share of windows of the five labels for which the decision is `unknown`."""
    calibration_error: float
    """Expected calibration error of the likeliest label's confidence, in ten bins, over windows
    with known mounting."""
    confusion: list[list[int]]
    """Windows by true class (row) and decision (column), in the order of CLASSES."""
    reliability: list[list[float]]
    """Windows, mean confidence and accuracy of each bin."""

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self)


def figures(decisions: Decisions) -> Figures:
    """Compute all figures of some decisions."""
    labelled = decisions.where(decisions.y >= 0)
    confusion = confusion_matrix(labelled.y, labelled.decided, labels=range(len(CLASSES)))
    core = labelled.where(labelled.y < UNKNOWN)
    mounted = core.where(core.known)
    rows, error = reliability(mounted.confidence, mounted.likeliest == mounted.y)

    def share(right: NDArray[np.bool_]) -> float:
        return float(right.mean()) if len(right) else float("nan")

    def without_stairs(classes: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(classes == LABELS.index("stairs"), LABELS.index("walking"), classes)

    return Figures(
        windows=len(core.y),
        accuracy=share(core.decided == core.y),
        accuracy_raw=share(core.raw == core.y),
        accuracy_forced=share(core.likeliest == core.y),
        accuracy_stairs_as_walking=share(without_stairs(core.decided) == without_stairs(core.y)),
        recall={
            name: float(confusion[c, c] / confusion[c].sum())
            for c, name in enumerate(CLASSES)
            if confusion[c].any()
        },
        known_rejected=share(core.decided == UNKNOWN),
        calibration_error=error,
        confusion=confusion.tolist(),
        reliability=rows,
    )


def delay_s(decisions: Decisions, windows: WristWindows) -> NDArray[np.float64]:
    """Measure the delay from each change of activity to the first decision for it, seconds.

    The delay starts at the end of the first window that is wholly in the new activity. If the
    activity is never decided, the delay is the duration of the activity.
    """
    delays = []
    for wearer in dict.fromkeys(windows.wearer.tolist()):
        of = np.flatnonzero((windows.wearer == wearer) & (windows.y >= 0) & (windows.y < UNKNOWN))
        y = decisions.y[of]
        starts = [*(np.flatnonzero(np.diff(y)) + 1), len(y)]
        for begin, end in pairwise(starts):
            right = np.flatnonzero(decisions.decided[of[begin:end]] == y[begin])
            waited = right[0] if len(right) else end - begin
            delays.append(HOP_S * waited)
    return np.array(delays)
