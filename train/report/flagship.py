"""Reports on our own network on UCI HAR's official split: five seeds, float and int8.

It is trained in two ways: on the publisher's windows and more windows from the raw recordings of
the same people; and on the publisher's windows alone, with as many steps.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from typing import Any

import keras
import numpy as np

from convert import runtime_process
from train.datasets.waist import LABELS
from train.fitting.fit import probabilities
from train.networks.recipes import FLAGSHIP, FLAGSHIP_ALONE
from train.report.fits import Job, run_jobs, timed
from train.report.repeat import HEAD, row, spread
from train.results import pages
from train.results.pictures import confusion_picture
from train.results.provenance import provenance
from train.results.scores import Scores, score
from train.waist.data import Data

SEEDS = (0, 1, 2, 3, 4)
QUICK_EVERY = 24
WAYS = {
    "uci+hapt": ("with raw recordings of the training people", "flagship", FLAGSHIP),
    "uci": ("publisher's windows alone", "flagship-alone", FLAGSHIP_ALONE),
}


def report(folder: Path, *, quick: bool, workers: int = 1) -> str:
    """Make the tables and the picture; write results/flagship*.json and .png unless quick.

    A quick report has the first way of training, one seed, two epochs and each 24th window.
    Raises DataError if data are missing, ConvertError if a model cannot be converted.
    """
    rows, figures = [], {}
    for windows, (title, name, recipe) in list(WAYS.items())[: 1 if quick else None]:
        jobs = [Job(name, recipe, seed, windows=windows) for seed in SEEDS]
        if quick:
            short = replace(recipe, epochs=2, batch=16)
            jobs = [Job(f"quick-{name}", short, SEEDS[0], windows=windows, every=QUICK_EVERY)]
        done = run_jobs(jobs, folder, workers)
        done[0] = timed(jobs[0], folder)
        data = jobs[0].data(folder)
        figures[windows] = _figures(jobs, done, data)
        rows += [row(f"{title}, {form}", figures[windows][form]) for form in ("float", "int8")]
        if windows == "uci+hapt":
            main = figures[windows]
    cost_table = _cost(main)
    if not quick:
        whole = {
            **figures,
            "seeds": list(SEEDS),
            "people": {"train": sorted(data.train.people), "test": sorted(data.test.people)},
            **provenance(),
        }
        path = pages.write("flagship", whole, HEAD, rows)
        pages.write("flagship-cost", {"figures": "flagship.json"}, *cost_table)
        together = _scores(main["int8"]["confusion"])
        confusion_picture(path.with_suffix(".png"), together, f"int8, {len(SEEDS)} seeds together")
    return pages.markdown(HEAD, rows) + "\n\n" + pages.markdown(*cost_table)


def _cost(figures: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    runtimes = figures["us_a_window"]["int8"]
    head = ["", "bytes", *(f"µs a window, {name}" for name in runtimes), "same class as float"]
    same = {"float32": "", "int8": f"{min(figures['agreement']):.2%} or more"}
    rows = [
        [
            form,
            f"{size:,}",
            *(f"{figures['us_a_window'][form][name]:.0f}" for name in runtimes),
            same[form],
        ]
        for form, size in figures["bytes"].items()
    ]
    counts = ("parameters", "parameters"), ("multiplications", "multiplications a window")
    rows += [[f"{figures[key]:,} {text}", *[""] * (len(head) - 1)] for key, text in counts]
    return head, rows


def _figures(jobs: Sequence[Job], done: Sequence[dict[str, Any]], data: Data) -> dict[str, Any]:
    return {
        **{
            form: {
                **spread(done, form),
                "recall": [result[form]["recall"] for result in done],
                "confusion": np.sum([result[form]["confusion"] for result in done], 0).tolist(),
            }
            for form in ("float", "int8")
        },
        "agreement": [_agreement(job, data) for job in jobs],
        "parameters": done[0]["parameters"],
        **done[0]["cost"],
        "seconds": mean(result["seconds"] for result in done),
        "recipe": asdict(jobs[0].recipe),
        "windows": {"train": len(data.train), "test": len(data.test)},
        "data": data.sha256,
        "commits": sorted({str((result["config"]["commit"] or {}).get("id")) for result in done}),
    }


def _agreement(job: Job, data: Data) -> float:
    """Return the share of test windows with the same class as in Keras, for the worst runtime."""
    model = keras.models.load_model(job.path.with_suffix(".keras"), compile=False)
    expected = probabilities(model, data.test.x).argmax(1)
    flatbuffer = job.path.with_suffix(".tflite").read_bytes()
    shares = []
    for runtime in runtime_process.installed():
        outputs, _ = runtime_process.classify(flatbuffer, data.test.x, runtime)
        shares.append(float((outputs.argmax(1) == expected).mean()))
    return min(shares)


def _scores(confusion: list[list[int]]) -> Scores:
    """Compute scores from a confusion matrix."""
    counts = np.array(confusion)
    y, predicted = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    return score(y, np.eye(len(LABELS))[predicted], LABELS)
