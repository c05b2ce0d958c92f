"""A decision and a Status with fixed values."""

from dataclasses import replace
from typing import Any

from device.decision.decision import Decision, State
from device.sinks.status import Status
from device.sources import Health

HOP_S, WINDOW_S = 1.28, 2.56


def decision(
    end_s: float, at: str | None, activity: str | None = "walking", state: State = "ok"
) -> Decision:
    return Decision(
        end_s - WINDOW_S, end_s, at, state, activity, None, 0.9, {"walking": 0.9}, 0, "fake@0"
    )


def a_status(**others: Any) -> Status:
    found = Status(
        time="2026-03-01T12:00:00.000Z", uptime_s=10.0, model="wrist@12345678", source="serial:/x",
        source_counts={}, health=Health(30.5, ("clipping",)), pipeline={"samples": 500, "lost": 3},
        mounting_known=True, mounting_confidence=0.98765, decision=None, states={}, reasons={},
        activities={}, inference=None, failed_writes={}, queued={}, today="2026-03-01",
        today_s={"walking": 90.0, "sitting": 0.0},
    )  # fmt: skip
    return replace(found, **others)
