"""Status: a snapshot of the daemon each second, for metrics, MQTT, the dashboard and systemd."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from device.decision.decision import Decision
from device.sources import Health

INFERENCE_BOUNDS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
"""Upper bounds of the histogram: from a PC (0.3 ms per window) to an overloaded slow board."""


@dataclass(frozen=True, slots=True)
class Inference:
    """Histogram of the inference time of a window."""

    windows: tuple[int, ...]
    """Number of windows between each of INFERENCE_BOUNDS_S and the bound before; the last number
    counts windows above all bounds."""
    sum_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """The daemon's state at one moment; `dataclasses.asdict` of it can be written as JSON."""

    time: str
    """UTC, ISO 8601."""
    uptime_s: float
    model: str
    """As in Decision."""
    source: str
    """As the user gave it: serial:/dev/ttyUSB0."""
    source_counts: Mapping[str, int]
    """Events on the line or the bus: delivered, damaged, lost."""
    health: Health
    pipeline: Mapping[str, int]
    """Samples in and dropped (by reason), windows, decisions by state."""
    mounting_known: bool | None
    """None if the mounting is not estimated."""
    mounting_confidence: float | None
    """0 to 1."""
    decision: Decision | None
    """The latest decision."""
    states: Mapping[str, int]
    """Decisions by state; every state is present."""
    reasons: Mapping[str, int]
    """Decisions without an activity by reason; every reason is present."""
    activities: Mapping[str, int]
    """Decisions by activity; every class of the model is present."""
    inference: Inference | None
    """None if inference is not timed."""
    failed_writes: Mapping[str, int]
    """Failed writes by sink."""
    queued: Mapping[str, int]
    """Items that wait to be written or sent, by sink."""
    today: str
    """The local date, ISO 8601."""
    today_s: Mapping[str, float]
    """Seconds of each activity on that day; time without an activity is left out."""
