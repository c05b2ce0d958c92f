"""How well probabilities name the activities."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_PROBABILITY = 1e-7
"""What Keras takes a probability of zero for in its loss."""
HALF_STEP = 1 / 512
"""The same for int8 outputs: half of their step, below which they cannot say anything."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Accuracy, and precision, recall and F1 by label; shares of 1."""

    windows: int
    accuracy: float
    loss: float
    """Mean cross-entropy, nats."""
    precision: dict[str, float]
    recall: dict[str, float]
    f1: dict[str, float]
    macro_precision: float
    macro_recall: float
    macro_f1: float
    confusion: list[list[int]]
    """Windows by true label (row) and predicted label (column)."""

    def to_dict(self) -> dict[str, object]:
        """Give all of it as JSON takes it."""
        return asdict(self)


def score(
    y: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    labels: tuple[str, ...],
    least: float = LEAST_PROBABILITY,
) -> Scores:
    """Score (n, classes) probabilities against (n,) true classes.

    A probability below `least` counts as that in the loss.
    A label that is never predicted has precision 0, as scikit-learn's `zero_division=0`.
    """
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (y, probabilities.argmax(axis=1)), 1)
    right = confusion.diagonal().astype(np.float64)
    precision = right / np.maximum(confusion.sum(axis=0), 1)
    recall = right / np.maximum(confusion.sum(axis=1), 1)
    f1 = 2 * right / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    true_probability = np.maximum(probabilities[np.arange(len(y)), y], least)

    def by_label(values: NDArray[np.float64]) -> dict[str, float]:
        return {label: float(value) for label, value in zip(labels, values, strict=True)}

    return Scores(
        windows=len(y),
        accuracy=float(right.sum() / max(len(y), 1)),
        loss=float(-np.log(true_probability).mean()) if len(y) else 0.0,
        precision=by_label(precision),
        recall=by_label(recall),
        f1=by_label(f1),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(f1.mean()),
        confusion=confusion.tolist(),
    )
