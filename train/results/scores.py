"""Scores of class probabilities against true labels."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

LEAST_PROBABILITY = 1e-7
"""Lower bound of a probability in the loss, as in Keras."""
HALF_STEP = 1 / 512
"""Lower bound for int8 outputs: half of their quantisation step."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Accuracy, and precision, recall and F1 by label, as shares of 1."""

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
        """Return all fields as JSON values."""
        return asdict(self)


def score(
    y: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    labels: tuple[str, ...],
    least: float = LEAST_PROBABILITY,
) -> Scores:
    """Score (n, classes) probabilities against (n,) true classes, n > 0.

    `least` is the lower bound of a probability in the loss; scikit-learn's log_loss has a fixed
    bound. A label that is never predicted has precision 0.
    """
    classes, predicted = np.arange(len(labels)), probabilities.argmax(axis=1)
    confusion = confusion_matrix(y, predicted, labels=classes)
    precision, recall, f1, _ = precision_recall_fscore_support(
        y, predicted, labels=classes, zero_division=0
    )
    true_probability = np.maximum(probabilities[np.arange(len(y)), y], least)

    def by_label(values: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(labels, values.tolist(), strict=True))

    return Scores(
        windows=len(y),
        accuracy=float(accuracy_score(y, predicted)),
        loss=float(-np.log(true_probability).mean()),
        precision=by_label(precision),
        recall=by_label(recall),
        f1=by_label(f1),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(f1.mean()),
        confusion=confusion.tolist(),
    )
