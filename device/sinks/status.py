"""Status: one snapshot a second of the daemon, for metrics, MQTT, the dashboard and systemd."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from device.decision.decision import Decision
from device.sources import Health

INFERENCE_BOUNDS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
"""Upper bounds of the histogram: from a PC (0.3 ms a window) to a slow board's trouble."""


@dataclass(frozen=True, slots=True)
class Inference:
    """How long the model took for a window."""

    windows: tuple[int, ...]
    """Within each of INFERENCE_BOUNDS_S but above the one before, and at last beyond all."""
    sum_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """All that is to know at one moment; `dataclasses.asdict` of it is fit for JSON."""

    time: str
    """UTC, ISO 8601."""
    uptime_s: float
    model: str
    """As in Decision."""
    source: str
    """As given: serial:/dev/ttyUSB0."""
    source_counts: Mapping[str, int]
    """What the line or the bus delivered, damaged and lost."""
    health: Health
    pipeline: Mapping[str, int]
    """Samples in, dropped and why, windows; decisions by state."""
    mounting_known: bool | None
    """None where it is not estimated."""
    mounting_confidence: float | None
    """0 to 1."""
    decision: Decision | None
    """The latest."""
    states: Mapping[str, int]
    """Decisions by state, each of them named."""
    reasons: Mapping[str, int]
    """Decisions without an activity by reason, each of them named."""
    activities: Mapping[str, int]
    """Decisions by activity, each label of the model named."""
    inference: Inference | None
    """None where nobody measures."""
    failed_writes: Mapping[str, int]
    """By sink."""
    queued: Mapping[str, int]
    """What waits to be written or sent, by sink."""
    today: str
    """The local date, ISO 8601."""
    today_s: Mapping[str, float]
    """Seconds of each activity on that day; time that was none of them is not in it."""
