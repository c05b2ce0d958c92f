"""Reads decision parameters and figures from results/wrist.json, for the final wrist model."""

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
    """The results of `edgehar report wrist` that the final model uses."""

    decision: DecisionSpec
    left_out: dict[str, Any]
    """Figures for the model card: `datasets`, `people`, `smoothing`, `turns`; shares of 1."""
    data: str
    """Hash of the windows, from cross_validation.load."""
    recipe: dict[str, Any]


def read_report(path: Path | None = None) -> Report:
    """Read results/wrist.json; raises InputError if it is missing or incomplete."""
    path = path or pages.FOLDER / "wrist.json"
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        decision = DecisionSpec.from_dict(results["decision"])
        return Report(decision, _left_out(results), str(results["data"]), dict(results["recipe"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"cannot read the wrist model's decision parameters from {path} ({error!r}); run "
            "`edgehar report wrist` first"
        ) from error


def _left_out(results: dict[str, Any]) -> dict[str, Any]:
    """Select the figures for the model card; it omits large tables to keep bundles small."""
    figures = {
        kind: {name: {key: of[key] for key in _FIGURES} for name, of in results[kind].items()}
        for kind in ("datasets", "people")
    }
    everybody = results["people"]["all"]
    figures["people"]["all"].update({key: everybody[key] for key in _OF_ALL})
    turns = {key: results["turns"][key] for key in ("as it comes", "random")}
    left_out: dict[str, Any] = _rounded(
        {**figures, "smoothing": results["smoothing"], "turns": turns}
    )
    return left_out


def _rounded(value: Any) -> Any:
    """Round to three decimals; NaN becomes None."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 3)
    return value
