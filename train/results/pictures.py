"""Draws confusion matrices and training curves as PNG files."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.results.scores import Scores


def confusion_picture(path: Path, scores: Scores, title: str) -> None:
    """Draw the confusion matrix of scores, in windows."""
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.add_subplot()
    draw_confusion(axes, np.array(scores.confusion), tuple(scores.recall))
    axes.set_title(f"{title}: {scores.accuracy:.1%} of {scores.windows} windows")
    figure.savefig(path, dpi=110)


def draw_confusion(
    axes: Axes, counts: NDArray[np.int64], labels: tuple[str, ...], share: str = ""
) -> None:
    """Draw a square for each true label (row) and predicted label (column).

    Squares are darker for a larger share of the row. The text is the count, or the share in the
    format `share`; squares with count 0 have no text.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        if count:
            text = format(shares[row, column], share) if share else str(count)
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    names = [label.replace("_", "\n") for label in labels]
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("predicted activity")
    axes.set_ylabel("true activity")


def curves_picture(path: Path, history: dict[str, list[float]], epoch: int) -> None:
    """Draw loss and accuracy by epoch, and mark the epoch whose weights the model has."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for name, label in ((quantity, "training"), (f"val_{quantity}", "validation people")):
            if name in history:
                axes.plot(range(1, len(history[name]) + 1), history[name], label=label)
        axes.axvline(epoch, color="grey", linewidth=0.8, linestyle=":", label="chosen epoch")
        axes.set_xlabel("epoch")
        axes.set_ylabel(quantity)
        axes.legend()
    figure.savefig(path, dpi=110)
