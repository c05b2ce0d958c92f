"""Fits a network to windows with a recipe and a seed, and scores it."""

from dataclasses import asdict, dataclass
from typing import Any

from train.datasets.waist import LABELS, validation_people
from train.fitting.fit import Fitted, fit, probabilities
from train.networks.recipes import Recipe
from train.results.provenance import provenance
from train.results.scores import Scores, score
from train.waist.data import TITLES, Data


@dataclass(frozen=True, slots=True)
class Experiment:
    """A fitted model and its scores. The test set is used once, after the fit."""

    fitted: Fitted
    scores: dict[str, Scores]
    """By set of people: `test`, and `validation` if the recipe has validation people."""
    config: dict[str, Any]


def run(data: Data, recipe: Recipe, seed: int, *, peek: bool = False) -> Experiment:
    """Fit, then score on the validation people, if the recipe has any, and on the test people.

    With `peek` the history also has the scores of every epoch on the test people. They choose
    nothing; they show the result of choosing the epoch on the test set.
    """
    count = recipe.validation_people
    held_out = validation_people(data.train.people, count, seed) if count else frozenset[int]()
    validation = data.train.of(held_out)
    train = data.train.of(data.train.people - held_out)
    watched = data.test if peek else None
    fitted = fit(recipe, seed, train, validation if held_out else None, watched)
    sets = {"validation": validation} if held_out else {}
    scores = {
        name: score(windows.y, probabilities(fitted.model, windows.x), LABELS)
        for name, windows in {**sets, "test": data.test}.items()
    }
    config = {
        "windows": data.windows,
        "recipe": asdict(recipe),
        "seed": seed,
        "labels": list(LABELS),
        "signal": None if data.spec is None else data.spec.to_dict(),
        "data": {"name": data.windows, "title": TITLES[data.windows], "sha256": data.sha256},
        "people": {
            "train": sorted(train.people),
            "validation": sorted(held_out),
            "test": sorted(data.test.people),
        },
        **provenance(),
    }
    return Experiment(fitted, scores, config)
