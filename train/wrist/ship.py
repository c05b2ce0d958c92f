"""The run folder of the wrist model that ships: fitted on everybody's windows.

So nothing in it can say how well it does on new people. What is claimed of it, and the numbers of
its decisions, are those of `edgehar report wrist`, whose models left people or a data set out.
"""

import json
import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json
from train import results, runs
from train.datasets import wrist
from train.datasets.archive import Archive, locate
from train.datasets.piece import LABELS
from train.provenance import provenance
from train.wrist.experiments import ORIENTATION, SPEC, load
from train.wrist.fit import WristRecipe, fair_chances, fit
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
"""What sensor each data set has, where it sits, and on whom."""
CHECK_WINDOWS = 4000
TITLE = (
    "WISDM's watch, Daily and Sports Activities' wrists, SP-SW-HAR's watch, WEDA-FALL and an "
    "MPU-6050 on the wrist, each wearer's recordings as one day, through the device's own signal "
    "path"
)
_FIGURES = ("windows", "accuracy", "recall", "known_rejected", "calibration_error")
_OF_ALL = ("accuracy_raw", "accuracy_forced", "accuracy_stairs_as_walking")


@dataclass(frozen=True, slots=True)
class Report:
    """What `edgehar report wrist` found out."""

    decision: DecisionSpec
    left_out: dict[str, Any]
    """What the model card says of `datasets`, `people`, `smoothing` and `turns`; shares of 1."""
    data: str
    """Of the windows it was made with, as experiments.load gives it."""
    recipe: dict[str, Any]


def read_report(path: Path | None = None) -> Report:
    """Read results/wrist.json; raises InputError where it is missing or not whole."""
    path = path or results.FOLDER / "wrist.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        decision = DecisionSpec.from_dict(told["decision"])
        return Report(decision, _left_out(told), str(told["data"]), dict(told["recipe"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"{path}: no decision to ship the wrist model with ({error!r}); run `edgehar report "
            "wrist` first"
        ) from error


def fill(part: Path, data: Path, recipe: WristRecipe, seed: int, report: Report) -> None:
    """Fit on everybody and fill a new run's folder, as convert.export reads it.

    Raises:
        DataError: the data are not there.
        InputError: the report is of other data, or was made with another estimate of the mounting.

    """
    _, windows, sha256 = load(data)
    if sha256 != report.data:
        raise InputError(
            "results/wrist.json is of other data, or of another signal path; run `edgehar report "
            "wrist` again"
        )
    began = time.monotonic()
    model = fit(recipe, seed, windows)
    seconds = round(time.monotonic() - began, 1)
    model.save(part / runs.MODEL)
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
    write_json(part / runs.CONFIG, config)
    same = json.loads(json.dumps(asdict(recipe))) == report.recipe
    if not same:
        LOG.warning("the report is of another recipe: its figures are not claimed for this model")
    write_json(part / runs.METRICS, {"left_out": report.left_out if same else None})
    some = drawn(windows, recipe, runs.REPRESENTATIVE_WINDOWS, seed=1)
    np.savez(part / "representative.npz", x=windows.x[some])
    # Of people that the model was trained on: good to compare int8 with float, for nothing else.
    others = drawn(windows, recipe, CHECK_WINDOWS, seed=2)
    np.savez(part / "test.npz", x=windows.x[others], y=windows.y[others])


def drawn(windows: WristWindows, recipe: WristRecipe, count: int, seed: int) -> NDArray[np.intp]:
    """Draw (count,) labelled windows as training draws them, each at most once."""
    chances = fair_chances(windows, recipe.shares)
    count = min(count, np.count_nonzero(chances))
    return np.random.default_rng(seed).choice(len(windows), count, replace=False, p=chances)


def people_by_activity(windows: WristWindows) -> dict[str, dict[str, int]]:
    """Count by activity, then data set, the people of whom there is a window of it."""
    found: dict[str, dict[str, int]] = {}
    for c, activity in enumerate(LABELS):
        of = windows.where(windows.y == c)
        found[activity] = {
            name: len(set(of.person[of.dataset == name].tolist()))
            for name in dict.fromkeys(of.dataset.tolist())
        }
    return found


def _described(name: str, folder: Path, windows: WristWindows) -> dict[str, Any]:
    source, of = wrist.SOURCES[name], windows.where(windows.dataset == name)
    return {
        "about": ABOUT[name],
        "sha256": Archive(locate(folder, source.files, source.title), source.root).sha256(),
        "people": len(set(of.person.tolist())),
        "wrists": len(set(of.wearer.tolist())),
    }


def _left_out(told: dict[str, Any]) -> dict[str, Any]:
    """Take what the card needs: confusions and reliabilities stay in the report.

    A bundle has to stay small.
    """
    figures = {
        kind: {name: {key: of[key] for key in _FIGURES} for name, of in told[kind].items()}
        for kind in ("datasets", "people")
    }
    everybody = told["people"]["all"]
    figures["people"]["all"].update({key: everybody[key] for key in _OF_ALL})
    turns = {key: told["turns"][key] for key in ("as it comes", "random")}
    left_out: dict[str, Any] = _rounded({**figures, "smoothing": told["smoothing"], "turns": turns})
    return left_out


def _rounded(value: Any) -> Any:
    """Round to a thousandth; what is not a number becomes null."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 3)
    return value
