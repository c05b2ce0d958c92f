"""Repeats a fit with several seeds and scores it as float and int8; resumable, one file a seed."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from convert import runtime_process
from convert.export import export
from firmware_bridge.whole_file import write_json
from train.datasets.waist import LABELS
from train.fitting import experiment, stored_results
from train.networks.recipes import Recipe
from train.results.scores import HALF_STEP, score
from train.waist.data import Data
from train.waist.windows import LabelledWindows

LOG = logging.getLogger("train")


def repeat(name: str, data: Data, recipe: Recipe, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Fit, convert and score with each seed; stored results of earlier calls are used again.

    Each result has `config`, and the scores on the test people: `float` and `int8`.
    """
    return [
        _one(stored_results.FOLDER / f"{name}-{seed}.json", data, recipe, seed) for seed in seeds
    ]


def _one(path: Path, data: Data, recipe: Recipe, seed: int) -> dict[str, Any]:
    people = sorted(data.test.people)
    key = {"recipe": asdict(recipe), "data": data.sha256, "test": people, "seed": seed}
    if (done := stored_results.read(path, key)) is not None:
        LOG.info("%s: uses the stored result", path)
        return done
    LOG.info("%s: fits", path)
    result = experiment.run(data, recipe, seed)
    with tempfile.TemporaryDirectory() as folder:
        keras_file = Path(folder) / "model.keras"
        result.fitted.model.save(keras_file)
        flatbuffer = export(keras_file, data.train.x)
    done = {
        "key": key,
        "epoch": result.fitted.epoch,
        "seconds": round(result.fitted.seconds, 1),
        "float": result.scores["test"].to_dict(),
        "int8": score_int8(flatbuffer, data.test),
        "config": result.config,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, done)
    return done


def score_int8(flatbuffer: bytes, test: LabelledWindows) -> dict[str, object]:
    """Score an int8 model with the first installed runtime."""
    runtime = next(iter(runtime_process.installed()))
    probabilities, _ = runtime_process.classify(flatbuffer, test.x, runtime)
    return score(test.y, probabilities, LABELS, HALF_STEP).to_dict()


def spread(results: Sequence[dict[str, Any]], form: str) -> dict[str, Any]:
    """Return the mean and standard deviation of each score of one form over the seeds."""
    quantities = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "loss")
    return {
        quantity: {
            "mean": mean(values),
            "deviation": stdev(values) if len(values) > 1 else None,
            "values": values,
        }
        for quantity in quantities
        if (values := [result[form][quantity] for result in results])
    }


def row(name: str, figures: dict[str, Any]) -> list[str]:
    """Return a row under HEAD: accuracy with deviation and range, macro F1, loss."""
    accuracy, f1, loss = figures["accuracy"], figures["macro_f1"], figures["loss"]
    low, high = min(accuracy["values"]), max(accuracy["values"])
    return [
        name,
        f"{accuracy['mean']:.2%}{_deviation(accuracy, 100, 2)}",
        f"{low:.2%} to {high:.2%}",
        f"{f1['mean']:.2%}{_deviation(f1, 100, 2)}",
        f"{loss['mean']:.3f}{_deviation(loss, 1, 3)}",
    ]


HEAD = ["", "accuracy", "lowest to highest", "macro F1", "loss"]


def _deviation(figures: dict[str, Any], scale: int, digits: int) -> str:
    deviation = figures["deviation"]
    return "" if deviation is None else f" ± {scale * deviation:.{digits}f}"
