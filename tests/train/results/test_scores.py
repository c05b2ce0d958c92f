"""Scores agree with scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from train.results.scores import score

LABELS = ("a", "b", "c")


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 60))
def test_scores_are_those_of_scikit_learn(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, count)
    probabilities = random.dirichlet(np.ones(3) * 0.5, count)
    said, wanted = probabilities.argmax(axis=1), range(3)
    scores = score(y, probabilities, LABELS)
    precision, recall, f1, _ = precision_recall_fscore_support(
        y, said, labels=wanted, zero_division=0
    )
    assert scores.accuracy == pytest.approx(accuracy_score(y, said))
    assert list(scores.precision.values()) == pytest.approx(precision)
    assert list(scores.recall.values()) == pytest.approx(recall)
    assert list(scores.f1.values()) == pytest.approx(f1)
    assert scores.macro_f1 == pytest.approx(np.mean(f1))
    assert scores.confusion == confusion_matrix(y, said, labels=wanted).tolist()
    clipped = np.maximum(probabilities, 1e-7)
    clipped /= clipped.sum(axis=1, keepdims=True)
    assert scores.loss == pytest.approx(log_loss(y, clipped, labels=[0, 1, 2]), abs=1e-5)


def test_certainty_of_the_wrong_thing_has_a_finite_loss() -> None:
    assert score(np.array([0]), np.array([[0.0, 1.0, 0.0]]), LABELS).loss == pytest.approx(
        16.1181, abs=1e-4
    )
