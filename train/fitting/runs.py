"""Writes and reads the run folders of fits to waist data."""

from pathlib import Path

import keras
import numpy as np

from convert import run_folder
from convert.run_folder import Run
from firmware_bridge.errors import InputError
from train.fitting.experiment import Experiment
from train.results.pictures import confusion_picture, curves_picture
from train.waist.data import Data

REPRESENTATIVE_WINDOWS = 2000


def save(part: Path, done: Experiment, data: Data) -> None:
    """Fill a new run folder, with pictures of the confusion matrix and the training curves."""
    fitted = done.fitted
    run_folder.fill(
        part,
        model=fitted.model,
        config={
            **done.config,
            "epoch": fitted.epoch,
            "seconds": round(fitted.seconds, 1),
            "history": fitted.history,
        },
        metrics={name: score.to_dict() for name, score in done.scores.items()},
        representative=data.train.x[
            np.linspace(0, len(data.train) - 1, REPRESENTATIVE_WINDOWS).astype(int)
        ],
        x=data.test.x,
        y=data.test.y,
    )
    confusion_picture(part / "confusion.png", done.scores["test"], "test people")
    curves_picture(part / "curves.png", fitted.history, fitted.epoch)


def load(path: Path) -> tuple[Run, keras.Model]:
    """Read a run folder and its model; raises InputError if a file is missing or damaged."""
    run = run_folder.read(path)
    try:
        return run, keras.saving.load_model(run.model, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        first_line = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: the run folder is incomplete ({first_line}); train again"
        ) from error
