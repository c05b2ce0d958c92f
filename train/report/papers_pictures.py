"""Draws the pictures of the papers' report: class sizes, accuracies, curves, confusion."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from train.datasets.waist import LABELS
from train.report.papers_published import BASELINES
from train.report.papers_tables import Outcome, Results
from train.results import pages
from train.results.pictures import draw_confusion
from train.waist.data import Data

GREY, BLUE, ORANGE = "#b8b8b8", "#1f5fa8", "#e08214"
NAMES = [label.replace("_", "\n") for label in LABELS]


def draw(data: Data, outcomes: Sequence[Outcome], compared: Mapping[str, Results]) -> None:
    """Write results/papers-*.png."""
    drawn = {
        "classes": _classes(data),
        "accuracy": _accuracy(outcomes, compared),
        "curves": _curves(outcomes),
        "confusion": _confusion(outcomes),
    }
    for name, figure in drawn.items():
        figure.savefig(pages.FOLDER / f"papers-{name}.png", dpi=110)


def _classes(data: Data) -> Figure:
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(LABELS))
    for shift, colour, name, windows in (
        (-0.2, BLUE, "training", data.train),
        (0.2, ORANGE, "test", data.test),
    ):
        counts = np.bincount(windows.y, minlength=len(LABELS))
        label = f"{name}: {len(windows.people)} people, {len(windows):,} windows"
        bars = axes.bar(places + shift, counts, 0.38, color=colour, label=label)
        axes.bar_label(bars, fontsize=8)
    axes.set_xticks(places, NAMES)
    axes.set_ylabel("windows")
    axes.set_ylim(0, 1900)
    _plain(axes)
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")
    return figure


def _accuracy(outcomes: Sequence[Outcome], compared: Mapping[str, Results]) -> Figure:
    bars = [
        (
            one.subject.title.replace("_", "_\n", 1),
            None if one.subject.published is None else one.subject.published.accuracy,
            {form: _accuracies(one.results, form) for form in ("float", "int8")},
        )
        for one in outcomes
    ]
    bars += [
        (name.replace(" ", "\n"), BASELINES[name].accuracy, {"float": _accuracies(fits, "float")})
        for name, fits in compared.items()
    ]
    figure = Figure(figsize=(10.5, 4), layout="constrained")
    axes = figure.add_subplot()
    for place, (_, published, ours) in enumerate(bars):
        shown = [(GREY, [published] if published else [])]
        shown += list(zip((BLUE, ORANGE), ours.values(), strict=False))
        for i, (colour, values) in enumerate(shown):
            if not values:
                continue
            left, height = place + (i - 1) * 0.27, 100 * mean(values)
            spread = 100 * stdev(values) if len(values) > 1 else None
            axes.bar(left, height, 0.26, color=colour, yerr=spread, capsize=2, ecolor="#333333")
            top = height + (spread or 0) + 0.3
            axes.text(left, top, f"{height:.1f}", ha="center", fontsize=6.5, rotation=90)
    axes.set_xticks(range(len(bars)), [name for name, *_ in bars], fontsize=8)
    axes.set_ylim(75, 102)
    axes.set_yticks(range(75, 101, 5))
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.set_ylabel("accuracy on the nine test people, %\n(the axis begins at 75)")
    for colour, name in ((GREY, "published"), (BLUE, "ours, float"), (ORANGE, "ours, int8")):
        axes.bar(0, 0, color=colour, label=name)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper right")
    _plain(axes)
    return figure


def _curves(outcomes: Sequence[Outcome]) -> Figure:
    """Draw the paper's recipe with its test scores by epoch, and our recipe in training."""
    figure = Figure(figsize=(10.5, 6), layout="constrained")
    original = next(one for one in outcomes if one.as_given)
    published = original.subject.published
    for row, quantity in zip(figure.subplots(2, 2), ("accuracy", "loss"), strict=True):
        left, right = row
        for name, key, colour in (
            ("training", quantity, GREY),
            ("test people, for comparison only", f"peek_{quantity}", BLUE),
        ):
            curves = np.array([result["history"][key] for result in original.as_given])
            epochs = np.arange(1, curves.shape[1] + 1)
            left.plot(epochs, curves.T, color=colour, linewidth=0.6, alpha=0.6)
            left.plot(epochs, curves.mean(axis=0), color=colour, linewidth=2, label=name)
        goal = None if published is None else getattr(published, quantity)
        if goal is not None:
            left.axhline(goal, color=ORANGE, linestyle="--", linewidth=1, label="published")
        for one in outcomes:
            curves = np.array([result["history"][quantity] for result in one.results])
            epochs = np.arange(1, curves.shape[1] + 1)
            right.plot(epochs, curves.mean(axis=0), label=one.subject.title, linewidth=1.5)
        for axes in row:
            axes.set_xlabel("epoch")
            axes.set_ylabel(quantity)
            axes.legend(frameon=False, fontsize=8)
            _plain(axes)
        if quantity == "loss":
            left.legend(frameon=False, fontsize=8, loc=(0.6, 0.27))  # between the lines
        if quantity == "accuracy":
            left.set_ylim(0.75, 1.0)
            right.set_ylim(0.6, 1.0)
            seeds = len(original.as_given)
            left.set_title(
                f"{original.subject.title}, its paper's recipe, {seeds} seeds and their mean"
            )
            right.set_title("our recipe: tilted training windows, dropout")
    return figure


def _confusion(outcomes: Sequence[Outcome]) -> Figure:
    """Draw the int8 models' confusion, all seeds together, in percent of each true activity."""
    rows = -(-len(outcomes) // 3)
    figure = Figure(figsize=(13, 4.4 * rows), layout="constrained")
    grid = figure.subplots(rows, 3, squeeze=False)
    for axes in grid.ravel()[len(outcomes) :]:
        axes.set_visible(False)
    for axes, one in zip(grid.ravel(), outcomes, strict=False):
        counts = np.sum([result["int8"]["confusion"] for result in one.results], axis=0)
        draw_confusion(axes, counts, LABELS, ".1%")
        axes.set_title(f"{one.subject.title}, int8: {np.trace(counts) / counts.sum():.1%}")
    return figure


def _accuracies(results: Results, form: str) -> list[float]:
    return [result[form]["accuracy"] for result in results]


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
