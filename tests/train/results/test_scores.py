"""Scores of a small example, computed by hand."""

import numpy as np
import pytest

from train.results.scores import score

LABELS = ("a", "b", "c")


def test_scores_of_an_example() -> None:
    y = np.array([0, 0, 0, 1, 2])
    probabilities = np.array(
        [[0.8, 0.2, 0.0], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.6, 0.2, 0.2]]
    )
    scores = score(y, probabilities, LABELS)
    assert scores.windows == 5
    assert scores.confusion == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert scores.accuracy == pytest.approx(3 / 5)
    assert scores.precision == pytest.approx({"a": 2 / 3, "b": 1 / 2, "c": 0})
    assert scores.recall == pytest.approx({"a": 2 / 3, "b": 1, "c": 0})
    assert scores.f1 == pytest.approx({"a": 2 / 3, "b": 2 / 3, "c": 0})
    macros = scores.macro_precision, scores.macro_recall, scores.macro_f1
    assert macros == pytest.approx((7 / 18, 5 / 9, 4 / 9))
    assert scores.loss == pytest.approx(-np.log([0.8, 0.5, 0.2, 0.9, 0.2]).mean())


def test_the_loss_of_a_certain_error_is_finite() -> None:
    certain = score(np.array([0]), np.array([[0.0, 1.0, 0.0]]), LABELS)
    assert certain.loss == pytest.approx(16.1181, abs=1e-4)
