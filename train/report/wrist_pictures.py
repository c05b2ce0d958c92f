"""Draws the pictures of the wrist report from the figures of results/wrist.json."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from train.datasets.piece import ACTIVITIES
from train.results.pictures import draw_confusion
from train.wrist.wear_days import CLASSES

BLUE, ORANGE, GREY = "#3b6fb6", "#d9822b", "#9aa5b1"


def draw(folder: Path, figures: dict[str, Any]) -> None:
    """Draw all pictures of results/wrist.json into a folder."""
    accuracies(folder / "wrist-accuracy.png", figures)
    confusion(folder / "wrist-confusion.png", figures)
    reliability(folder / "wrist-calibration.png", figures["people"]["all"])
    angles(folder / "wrist-mounting.png", figures["turns"])


def accuracies(path: Path, figures: dict[str, Any]) -> None:
    """Draw the accuracy for each data set: with the whole set left out, with people left out."""
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.add_subplot()
    names = list(figures["datasets"])
    for shift, key, colour, label in (
        (-0.2, "datasets", ORANGE, "whole data set left out of training"),
        (0.2, "people", BLUE, "people left out of training"),
    ):
        values = [figures[key].get(name, {}).get("accuracy", np.nan) for name in names]
        bars = axes.bar(np.arange(len(names)) + shift, values, 0.38, color=colour, label=label)
        axes.bar_label(bars, [f"{value:.0%}" for value in values], fontsize=8, padding=2)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, 1.25)
    axes.set_yticks(np.linspace(0, 1, 6), [f"{share:.0%}" for share in np.linspace(0, 1, 6)])
    axes.set_ylabel("accuracy (unknown counts as wrong)")
    axes.legend(loc="upper center", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def confusion(path: Path, figures: dict[str, Any]) -> None:
    """Draw confusion matrices of new people, and of the MPU-6050 as a new sensor."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    pairs = [("new people of all data sets", figures["people"]["all"])]
    if "mpu6050" in figures["datasets"]:
        pairs.append(("MPU-6050 left out of training", figures["datasets"]["mpu6050"]))
    for axes, (title, of) in zip(np.atleast_1d(figure.subplots(1, len(pairs))), pairs, strict=True):
        draw_confusion(axes, np.array(of["confusion"]), CLASSES, ".0%")
        axes.set_title(f"{title}: {of['accuracy']:.1%}", fontsize=10)
    figure.savefig(path, dpi=110)


def reliability(path: Path, of: dict[str, Any]) -> None:
    """Draw the accuracy of the likeliest label by its confidence."""
    rows = np.array([row for row in of["reliability"] if row[0]], float)
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="calibrated")
    size = 15 + 300 * rows[:, 0] / rows[:, 0].sum()
    axes.scatter(rows[:, 1], rows[:, 2], s=size, color=BLUE, label="ten bins (area: windows)")
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    error = of["calibration_error"]
    axes.set_title(f"New people: expected calibration error {error:.3f}", fontsize=10)
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=110)


def angles(path: Path, turns: dict[str, Any]) -> None:
    """Draw the accuracy by the rotation of the sensor, for each axis and wrist."""
    wrists = turns["by angle"]
    figure = Figure(figsize=(3.2 * len(wrists) + 0.8, 3.2), layout="constrained")
    plots = np.atleast_1d(figure.subplots(1, len(wrists), sharey=True))
    for axes, (wrist, by_axis) in zip(plots, wrists.items(), strict=True):
        _angles(axes, wrist, by_axis, turns["angles_deg"])
    plots[0].set_ylabel("accuracy")
    plots[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)


def minutes(path: Path, figures: dict[str, Any]) -> None:
    """Draw the minutes of each activity (column) in each data set (row).

    `figures` are from train.report.wrist_data.table.
    """
    minutes = np.array(
        [[of["minutes"].get(label, 0) for label in ACTIVITIES] for of in figures.values()]
    )
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.maximum(minutes, 0.1), cmap="Blues", norm=LogNorm(1, 3000), aspect="auto")
    for (row, column), value in np.ndenumerate(minutes):
        colour = "white" if value > 100 else "black"
        if value:
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(ACTIVITIES)), ACTIVITIES, fontsize=8)
    names = [f"{name}\n{of['people']} people" for name, of in figures.items()]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title("Minutes by activity and data set; each wrist counts")
    figure.savefig(path, dpi=110)


def _angles(axes: Axes, wrist: str, by_axis: dict[str, list[float]], degrees: list[float]) -> None:
    for axis, style in zip(by_axis, ("o-", "s--", "^:"), strict=True):
        axes.plot(degrees, by_axis[axis], style, label=f"rotated about {axis}", alpha=0.8)
    axes.set_xticks(degrees)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("rotation of the sensor, degrees")
    axes.set_title("all wearers" if wrist == "all" else f"{wrist} wrist", fontsize=10)
    axes.grid(alpha=0.3)
