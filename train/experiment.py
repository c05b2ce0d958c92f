"""From a choice of windows, recipe and seed to a fitted model and its scores."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from device.signal.spec import SignalSpec
from train.datasets import hapt, uci_har
from train.datasets.waist import LABELS, TEST_PEOPLE, validation_people
from train.evaluate import Scores, score
from train.fit import Fitted, fit, probabilities
from train.provenance import provenance
from train.recipes import Recipe
from train.windows import LabelledWindows, by_our_path, joined, published


@dataclass(frozen=True, slots=True)
class Data:
    """Windows to train on and to test on, and where they come from."""

    windows: str
    """A name in DATA."""
    train: LabelledWindows
    test: LabelledWindows
    sha256: str
    """Of the archive, or of both with a plus between."""
    spec: SignalSpec | None
    """Of our path, where it makes the windows to test on."""


def uci_data(folder: Path, recipe: Recipe) -> Data:  # noqa: ARG001  one signature with hapt_data
    """Take UCI HAR's windows and official split. Raises DataError."""
    har = uci_har.load(folder)
    windows = published(har)
    return Data(
        windows="uci",
        train=windows.of(windows.people - TEST_PEOPLE),
        test=windows.of(TEST_PEOPLE),
        sha256=har.sha256,
        spec=None,
    )


def hapt_data(folder: Path, recipe: Recipe) -> Data:
    """Make windows from HAPT by our path, split by the same people. Raises DataError."""
    recordings = hapt.load(folder)
    spec = SignalSpec()
    dense = by_our_path(recordings, replace(spec, hop=recipe.hop))
    return Data(
        windows="hapt",
        train=dense.of(dense.people - TEST_PEOPLE),
        test=by_our_path(recordings, spec).of(TEST_PEOPLE),
        sha256=recordings.sha256,
        spec=spec,
    )


def both_data(folder: Path, recipe: Recipe) -> Data:
    """Take UCI HAR's windows and split, and more windows of its training people only.

    Those are cut by our path from the raw recordings (HAPT) that the publisher cut its own from,
    with more overlap and another noise filter. The test windows are the publisher's alone.

    Raises:
        DataError: one of the archives is missing or damaged.

    """
    uci, raw = uci_data(folder, recipe), hapt_data(folder, recipe)
    return replace(
        uci,
        windows="uci+hapt",
        train=joined(uci.train, raw.train.of(uci.train.people)),
        sha256=f"{uci.sha256}+{raw.sha256}",
    )


TITLES = {
    "uci": "UCI HAR, the publisher's windows",
    "hapt": "HAPT, raw recordings through the device's own signal path",
    "uci+hapt": "UCI HAR, the publisher's windows; trained also on HAPT, the raw recordings of its "
    "training people, through the device's own signal path",
}
DATA: dict[str, Callable[[Path, Recipe], Data]] = {
    "uci": uci_data,
    "hapt": hapt_data,
    "uci+hapt": both_data,
}


@dataclass(frozen=True, slots=True)
class Experiment:
    """What was fitted, and how well it does. The test set was read once, after the fit."""

    fitted: Fitted
    scores: dict[str, Scores]
    """`validation` where people were held out for it, and `test`."""
    config: dict[str, Any]


def run(data: Data, recipe: Recipe, seed: int, *, peek: bool = False) -> Experiment:
    """Fit, then score on the validation people, if the recipe has any, and on the test people.

    With `peek` the history also says how every epoch did on the test people. Nothing is chosen by
    it; it shows what choosing by it would give.
    """
    held_out = frozenset[int]()
    if recipe.validation_people:
        held_out = validation_people(data.train.people, recipe.validation_people, seed)
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
