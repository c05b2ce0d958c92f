"""What the wrist data sets hold, as PNG."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from train.datasets.wrist import LABELS, LYING, UNKNOWN


def minutes_picture(path: Path, figures: dict[str, Any]) -> None:
    """Draw the minutes of each activity (column) in each data set (row).

    `figures` is as train.report.wrist_data gives them.
    """
    activities = (*LABELS, LYING, UNKNOWN)
    minutes = np.array(
        [[of["minutes"].get(label, 0) for label in activities] for of in figures.values()]
    )
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.maximum(minutes, 0.1), cmap="Blues", norm=LogNorm(1, 3000), aspect="auto")
    for (row, column), value in np.ndenumerate(minutes):
        colour = "white" if value > 100 else "black"
        if value:
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(activities)), activities, fontsize=8)
    names = [f"{name}\n{of['people']} people" for name, of in figures.items()]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title("Minutes by activity and data set, each wrist counted")
    figure.savefig(path, dpi=110)
