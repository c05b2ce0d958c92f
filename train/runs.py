"""A run folder: the model, what made it, and how well it does."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json
from train.experiment import Data, Experiment
from train.pictures import confusion_picture, curves_picture

MODEL = "model.keras"
CONFIG = "config.json"
METRICS = "metrics.json"
REPRESENTATIVE_WINDOWS = 2000


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder, read back."""

    path: Path
    model: keras.Model
    config: dict[str, Any]
    metrics: dict[str, Any]


@contextmanager
def new_run(path: Path) -> Iterator[Path]:
    """Give a folder to fill, with a log; it takes its name only when all of it is there.

    Raises:
        InputError: the name is taken, or the folder cannot be made.

    """
    if path.exists():
        raise InputError(f"{path} exists; remove it or give another --out")
    part = path.with_name(path.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        handler = logging.FileHandler(part / "log", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{part}: cannot make the run folder ({error.strerror})") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("train")
    logger.addHandler(handler)
    try:
        yield part
    finally:
        logger.removeHandler(handler)
        handler.close()
    part.rename(path)


def save(part: Path, done: Experiment, data: Data) -> None:
    """Fill a new run's folder."""
    done.fitted.model.save(part / MODEL)
    whole = {
        **done.config,
        "epoch": done.fitted.epoch,
        "seconds": round(done.fitted.seconds, 1),
        "history": done.fitted.history,
    }
    write_json(part / CONFIG, whole)
    write_json(part / METRICS, {name: score.to_dict() for name, score in done.scores.items()})
    # Conversion needs some windows to set its scales by, and all of the test set to be checked on.
    some = np.linspace(0, len(data.train) - 1, REPRESENTATIVE_WINDOWS).astype(int)
    np.savez(part / "representative.npz", x=data.train.x[some])
    np.savez(part / "test.npz", x=data.test.x, y=data.test.y)
    confusion_picture(part / "confusion.png", done.scores["test"], "test people")
    curves_picture(part / "curves.png", done.fitted.history, done.fitted.epoch)


def load(path: Path) -> Run:
    """Read a run folder.

    Raises:
        InputError: it is not one, or a file in it is damaged.

    """
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        metrics = json.loads((path / METRICS).read_text(encoding="utf-8"))
        model = keras.saving.load_model(path / MODEL, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        first_line = str(error).partition("\n")[0]
        raise InputError(f"{path} is not a whole run folder ({first_line})") from error
    return Run(path, model, config, metrics)
