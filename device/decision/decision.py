"""Decisions: what the board says, and its one-line form."""

import json
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["ok", "warming_up", "no_data", "not_worn", "unknown"]
Reason = Literal["unsure", "unfamiliar", "mounting", "still", "silence", "start", "gap"]
"""Why no activity is said. `unknown`: no label is probable enough; it is most probably none of
them; it is a posture, and how the sensor sits is not known yet; it is too still to say whether the
sensor is worn. `not_worn`: it has been for long. `no_data`: no sample comes. `warming_up`: the
filters settle, after the first sample of all or after a gap."""
IN_WORDS: Final[dict[Reason, str]] = {
    "unsure": "not sure enough",
    "unfamiliar": "none that it knows",
    "mounting": "mounting not known yet",
    "still": "too still",
    "silence": "nothing comes",
    "start": "has just begun",
    "gap": "after a gap",
}


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
    reason: Reason | None
    """Null only if state is ok."""
    confidence: float | None
    """Smoothed probability of the likeliest label; null where no window was classified."""
    probabilities: dict[str, float] | None
    """By label, of the window alone; `unknown`, if the model has it, is none of the labels."""
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
            "reason": decision.reason,
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
