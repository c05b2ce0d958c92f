"""Reads results/wrist.json for the final wrist model: decision parameters and figures."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.decision.judge import DecisionSpec
from firmware_bridge.errors import InputError
from train.results import pages

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
    path = path or pages.FOLDER / "wrist.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        decision = DecisionSpec.from_dict(told["decision"])
        return Report(decision, _left_out(told), str(told["data"]), dict(told["recipe"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"{path}: no decision to ship the wrist model with ({error!r}); run `edgehar report "
            "wrist` first"
        ) from error


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
