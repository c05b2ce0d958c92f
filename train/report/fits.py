"""Fits for the reports on UCI HAR: each has its own process and result file; resumable."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from convert.conversion_process import convert
from firmware_bridge.whole_file import write_json, write_whole
from train.fitting import experiment, stored_results
from train.fitting.parallel import side_by_side
from train.networks.recipes import Recipe
from train.report.cost import multiplications, training_s, us_a_window
from train.report.repeat import score_int8
from train.waist import data as waist_data
from train.waist.data import Data

LOG = logging.getLogger("train")
CALIBRATION_WINDOWS = {"unrolled": 2000, "fused": 100}
"""Number of training windows that set int8 scales; small for the slow fused LSTM of 128 steps."""


@dataclass(frozen=True, slots=True)
class Job:
    """A fit of one network with one recipe and one seed, tested on the publisher's windows."""

    name: str
    recipe: Recipe
    seed: int
    lstm: str = "unrolled"
    """Form of the LSTM in TFLite, as in convert.conversion_process."""
    peek: bool = False
    """Score every epoch on the test people, for the history only, and do not convert."""
    every: int = 1
    """Use only each n-th window: 1 for all, a larger number for a short trial."""
    windows: str = "uci"
    """Windows to train on: a name in waist_data.DATA."""

    @property
    def path(self) -> Path:
        """Path of the result. The models have the same name with .keras and .tflite."""
        return stored_results.FOLDER / f"papers-{self.name}-{self.seed}.json"

    def data(self, folder: Path) -> Data:
        """Load the windows in the official split. Raises DataError."""
        data = waist_data.DATA[self.windows](folder, self.recipe.hop)
        train, test = (
            one.where(np.arange(len(one)) % self.every == 0) for one in (data.train, data.test)
        )
        return replace(data, train=train, test=test)


def run(job: Job, folder: Path) -> dict[str, Any]:
    """Fit, convert and score; a step with a stored result is skipped.

    The result has `config`, `epoch`, `seconds`, `history`, and the scores on the test people:
    `float` and, unless `peek` is set, `int8`. Raises DataError if the data are missing,
    ConvertError if the model cannot be converted.
    """
    data = job.data(folder)
    key = {
        "recipe": asdict(job.recipe),
        "data": data.sha256,
        "every": job.every,
        "test": sorted(data.test.people),
        "seed": job.seed,
    }
    result = stored_results.read(job.path, key)
    if result is None or not (job.peek or job.path.with_suffix(".keras").is_file()):
        result = _fit(job, data, key)
    if not job.peek and "int8" not in result:
        result |= _convert(job, data)
        write_json(job.path, result)
    return result


def timed(job: Job, folder: Path) -> dict[str, Any]:
    """Measure the cost of a fitted model, unless stored; return the job's result with `cost`.

    Call this for one job at a time, because other processes lengthen the times. Raises
    ConvertError if the model cannot be converted or run.
    """
    result: dict[str, Any] = json.loads(job.path.read_text(encoding="utf-8"))
    if "cost" not in result:
        data = job.data(folder)
        whole = {
            "float32": _converted(job, data, "float32"),
            "int8": job.path.with_suffix(".tflite").read_bytes(),
        }
        model = keras.models.load_model(job.path.with_suffix(".keras"), compile=False)
        result["cost"] = {
            "parameters": sum(weight.numpy().size for weight in model.trainable_weights),
            "multiplications": multiplications(model),
            "bytes": {form: len(flatbuffer) for form, flatbuffer in whole.items()},
            "us_a_window": {
                form: us_a_window(flatbuffer, data.train.x) for form, flatbuffer in whole.items()
            },
            "training_epoch_s": round(training_s(job.recipe, data.train), 2),
        }
        write_json(job.path, result)
    return result


def run_jobs(
    jobs: Sequence[Job], folder: Path, workers: int, work: Callable[..., dict[str, Any]] = run
) -> list[dict[str, Any]]:
    """Call `work` for each job, `workers` side by side; return the results in the order of jobs.

    Raises the errors of `work`, and EdgeharError if a process dies.
    """
    stored_results.FOLDER.mkdir(parents=True, exist_ok=True)
    done: dict[Job, dict[str, Any]] = {}
    for job, result in side_by_side(partial(work, folder=folder), jobs, workers, __name__):
        done[job] = result
        accuracy = 100 * result["float"]["accuracy"]
        LOG.info("%d of %d  %s  %.2f %%", len(done), len(jobs), job.path, accuracy)
    return [done[job] for job in jobs]


def _fit(job: Job, data: Data, key: dict[str, Any]) -> dict[str, Any]:
    done = experiment.run(data, job.recipe, job.seed, peek=job.peek)
    if not job.peek:
        done.fitted.model.save(job.path.with_suffix(".keras"))
    result = {
        "key": key,
        "epoch": done.fitted.epoch,
        "seconds": round(done.fitted.seconds, 1),
        "history": done.fitted.history,
        "parameters": done.fitted.model.count_params(),
        "float": done.scores["test"].to_dict(),
        "config": done.config,
    }
    write_json(job.path, result)
    return result


def _convert(job: Job, data: Data) -> dict[str, Any]:
    flatbuffer = _converted(job, data, "int8")
    write_whole(job.path.with_suffix(".tflite"), flatbuffer)
    return {"int8": score_int8(flatbuffer, data.test)}


def _converted(job: Job, data: Data, form: str) -> bytes:
    """Convert a job's model; raises ConvertError."""
    count = CALIBRATION_WINDOWS[job.lstm] // job.every
    chosen = np.linspace(0, len(data.train) - 1, count).astype(int)
    converted, _ = convert(job.path.with_suffix(".keras"), data.train.x[chosen], [(form, job.lstm)])
    return converted[0].flatbuffer
