"""Decisions: what the board says, and its one-line form."""

import json
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warming_up", "no_data", "not_worn", "unknown"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the wearer did from start_s to end_s, or why the board cannot tell."""

    start_s: float | None
    """On the sensor's clock; null when no sample ever came."""
    end_s: float | None
    time: str | None
    """UTC, ISO 8601; null offline."""
    state: State
    activity: str | None
    """A label of the model; null unless state is ok."""
    confidence: float | None
    """Probability of the likeliest label; null where there was no window."""
    probabilities: dict[str, float] | None
    """By label, of the raw window."""
    lost: int
    """Samples lost since the decision before."""
    model: str
    """Name and the first 8 hex digits of the flatbuffer's sha256: waist@1a2b3c4d."""


def to_json(decision: Decision) -> str:
    """Return one line of JSON, without the newline; floats have 6 decimals."""
    probabilities = decision.probabilities
    return json.dumps(
        {
            "start_s": _rounded(decision.start_s),
            "end_s": _rounded(decision.end_s),
            "time": decision.time,
            "state": decision.state,
            "activity": decision.activity,
            "confidence": _rounded(decision.confidence),
            "probabilities": probabilities
            and {label: _rounded(value) for label, value in probabilities.items()},
            "lost": decision.lost,
            "model": decision.model,
        },
        allow_nan=False,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
