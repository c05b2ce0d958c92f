"""Fits: recipe, reproducibility, choice of the epoch, refused people."""

from dataclasses import replace

import numpy as np
import pytest

from train.datasets.archive import DataError
from train.datasets.waist import LABELS
from train.fitting.fit import fit, probabilities
from train.networks.recipes import NOTHING, PAPER, WAIST
from train.waist.windows import LabelledWindows


def toy(count: int = 96, person: int = 1, seed: int = 0) -> LabelledWindows:
    """Return windows whose class is a level on one channel."""
    random = np.random.default_rng(seed)
    y = np.arange(count) % len(LABELS)
    x = random.normal(scale=0.1, size=(count, 128, 9)).astype(np.float32)
    x[np.arange(count), :, y] += 1
    return LabelledWindows(x, y, np.full(count, person))


def test_the_recipe_has_the_papers_settings() -> None:
    assert (PAPER.epochs, PAPER.batch, PAPER.learning_rate) == (30, 64, 0.0025)
    assert (PAPER.weight_decay, PAPER.averaging, PAPER.label_smoothing) == (None, None, 0)
    assert PAPER.extras == NOTHING


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights() -> None:
    short = replace(WAIST, epochs=1)
    first, again, other = (fit(short, seed, toy()).model.get_weights() for seed in (7, 7, 8))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[-2], other[-2])


@pytest.mark.slow
def test_the_model_is_that_of_the_best_validation_epoch() -> None:
    recipe = replace(PAPER, epochs=4)
    validation = toy(60, person=3, seed=1)
    fitted = fit(recipe, 0, toy(), validation)
    accuracies = fitted.history["val_accuracy"]
    assert accuracies[fitted.epoch - 1] == max(accuracies)
    predicted = probabilities(fitted.model, validation.x).argmax(axis=1)
    assert np.mean(predicted == validation.y) == pytest.approx(max(accuracies), abs=1e-6)


@pytest.mark.slow
def test_a_fit_learns() -> None:
    fitted = fit(replace(WAIST, epochs=12), 0, toy(240))
    unseen = toy(60, person=3, seed=1)
    assert np.mean(probabilities(fitted.model, unseen.x).argmax(axis=1) == unseen.y) > 0.95


def test_test_people_are_refused() -> None:
    with pytest.raises(DataError, match=r"\[2\]"):
        fit(PAPER, 0, toy(person=2))
    with pytest.raises(DataError, match=r"\[24\]"):
        fit(PAPER, 0, toy(), toy(person=24))
