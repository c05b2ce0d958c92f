"""Decision: the answer for one window or one state, and its form as a JSON line."""

import json
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["ok", "warming_up", "no_data", "not_worn", "unknown"]
Reason = Literal["unsure", "unfamiliar", "mounting", "still", "silence", "start", "gap"]
"""Why there is no activity.

`unknown`: `unsure`, no class is probable enough; `unfamiliar`, most probably none of the classes;
`mounting`, a posture while the mounting is not known yet; `still`, too still to tell if the sensor
is worn. `not_worn`: `still` for a long time. `no_data`: `silence`, no samples arrive. `warming_up`:
the filters settle after the `start` or a `gap`.
"""
IN_WORDS: Final[dict[Reason, str]] = {
    "unsure": "not sure enough",
    "unfamiliar": "none of the known activities",
    "mounting": "mounting not known yet",
    "still": "too still",
    "silence": "no samples arrive",
    "start": "just started",
    "gap": "after a gap",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The wearer's activity from start_s to end_s, or why it is not known."""

    start_s: float | None
    """On the sensor's clock, as is end_s; null if no sample has arrived yet."""
    end_s: float | None
    time: str | None
    """UTC, ISO 8601; null offline."""
    state: State
    activity: str | None
    """A class of the model; null unless state is ok."""
    reason: Reason | None
    """Null only if state is ok."""
    confidence: float | None
    """Smoothed probability of the most probable class; null if no window was classified."""
    probabilities: dict[str, float] | None
    """By class, of this window alone; `unknown`, if the model has it, is none of the classes."""
    lost: int
    """Samples lost since the previous decision."""
    model: str
    """Name and the first 8 hex digits of the flatbuffer's sha256: waist@1a2b3c4d."""


def to_json(decision: Decision) -> str:
    """Return one line of JSON, without the newline; floats have 6 decimals."""
    probabilities = decision.probabilities
    return json.dumps(
        {
            **{name: getattr(decision, name) for name in Decision.__slots__},
            "start_s": _rounded(decision.start_s),
            "end_s": _rounded(decision.end_s),
            "confidence": _rounded(decision.confidence),
            "probabilities": probabilities
            and {label: _rounded(value) for label, value in probabilities.items()},
        },
        allow_nan=False,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
