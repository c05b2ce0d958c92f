"""Fits the shipped wrist model to the windows of all people, into a run folder.

The run has no scores on new people. The scores in its model card and the parameters of its
decisions come from `edgehar report wrist`, whose fits leave out people or a data set.
"""

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import run_folder
from device.decision.nonwear import NonwearSpec
from firmware_bridge.errors import InputError
from train.datasets import wrist
from train.datasets.archive import Archive, locate
from train.datasets.piece import LABELS
from train.fitting.runs import REPRESENTATIVE_WINDOWS
from train.results.provenance import provenance
from train.wrist.cross_validation import load
from train.wrist.fit import WristRecipe, fair_chances, fit
from train.wrist.report_figures import Report
from train.wrist.spec import ORIENTATION, SPEC
from train.wrist.windows import WristWindows

LOG = logging.getLogger("train")
MOUNTING = (
    "Healthy adults with the sensor firmly on any wrist, any way round: its mounting is found from "
    "the wearer's own walking. Then x is along the forearm toward the hand; z, about which the arm "
    "swings forward, is out of the back of a right wrist, the palm's side of a left one."
)
ABOUT = {
    "wisdm": "an LG watch on the dominant wrist, 20 Hz; students",
    "daily-sports": "Xsens units strapped to both wrists, 25 Hz; young adults",
    "sp-sw": "a smartwatch, 104 Hz; adults who sit, get up, walk and turn, seconds at a time",
    "weda": "a Fitbit Sense, 50 Hz; young adults, and elderly people; seconds at a time",
    "mpu6050": "an MPU-6050 on the wrist, 20 Hz, ±2 g; adults",
}
"""Sensor, place and wearers of each data set."""
CHECK_WINDOWS = 4000
TITLE = (
    "WISDM's watch, Daily and Sports Activities' wrists, SP-SW-HAR's watch, WEDA-FALL and an "
    "MPU-6050 on the wrist, each wearer's recordings as one day, through the device's own signal "
    "path"
)


def fill(part: Path, data: Path, recipe: WristRecipe, seed: int, report: Report) -> None:
    """Fit to all people and fill a new run folder.

    Raises DataError if data are missing, InputError if the report has other data, another signal
    path or another mounting estimate.
    """
    _, windows, sha256 = load(data)
    if sha256 != report.data:
        raise InputError(
            "results/wrist.json was made with other data or another signal path; run `edgehar "
            "report wrist` again"
        )
    began = time.monotonic()
    model = fit(recipe, seed, windows)
    seconds = round(time.monotonic() - began, 1)
    config = {
        "windows": "wrist",
        "recipe": {"name": "wrist", **asdict(recipe)},
        "seed": seed,
        "labels": list(LABELS),
        "signal": SPEC.to_dict(),
        "orientation": ORIENTATION.to_dict(),
        "decision": report.decision.to_dict(),
        "worn": NonwearSpec().to_dict(),
        "mounting": MOUNTING,
        "data": {
            "name": "wrist",
            "title": TITLE,
            "sha256": sha256,
            "sets": {name: _described(name, data, windows) for name in wrist.SOURCES},
            "people_by_activity": people_by_activity(windows),
        },
        "people": {"train": len(set(windows.person.tolist())), "validation": 0, "test": 0},
        **provenance(),
        "seconds": seconds,
    }
    same = json.loads(json.dumps(asdict(recipe))) == report.recipe
    if not same:
        LOG.warning(
            "results/wrist.json has another recipe, so the model card gets no figures from it; "
            "run `edgehar report wrist` again"
        )
    # The model was trained on these people, so their windows only compare int8 with float.
    check = drawn(windows, recipe, CHECK_WINDOWS, seed=2)
    run_folder.fill(
        part,
        model=model,
        config=config,
        metrics={"left_out": report.left_out if same else None},
        representative=windows.x[drawn(windows, recipe, REPRESENTATIVE_WINDOWS, seed=1)],
        x=windows.x[check],
        y=windows.y[check],
    )


def drawn(windows: WristWindows, recipe: WristRecipe, count: int, seed: int) -> NDArray[np.intp]:
    """Draw (count,) indices of labelled windows with the chances of training, each at most once."""
    chances = fair_chances(windows, recipe.shares)
    count = min(count, np.count_nonzero(chances))
    return np.random.default_rng(seed).choice(len(windows), count, replace=False, p=chances)


def people_by_activity(windows: WristWindows) -> dict[str, dict[str, int]]:
    """Count the people with windows of each activity, by activity and data set."""
    counts: dict[str, dict[str, int]] = {}
    for c, activity in enumerate(LABELS):
        of = windows.where(windows.y == c)
        counts[activity] = {
            name: len(set(of.person[of.dataset == name].tolist()))
            for name in dict.fromkeys(of.dataset.tolist())
        }
    return counts


def _described(name: str, folder: Path, windows: WristWindows) -> dict[str, Any]:
    source, of = wrist.SOURCES[name], windows.where(windows.dataset == name)
    return {
        "about": ABOUT[name],
        "sha256": Archive(locate(folder, source.files, source.title), source.root).sha256(),
        "people": len(set(of.person.tolist())),
        "wrists": len(set(of.wearer.tolist())),
    }
