"""A day's summary as text."""

from collections.abc import Mapping

from device.decision.decision import IN_WORDS
from device.history.day import totals
from device.history.read_day import Day
from device.history.zone import to_local

_REASONS: Mapping[str, str] = dict(IN_WORDS.items())


def duration(ms: int) -> str:
    """Return `1 h 05 min`, `3 min` or `12 s`."""
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def in_words(reason: str | None) -> str:
    """Return the text of a reason of `unknown`."""
    return _REASONS.get(reason, reason) if reason else "no reason stored"


def summary(day: Day) -> list[str]:
    """Return the known time of the day, the reasons of unknown time, and settings of the clock."""
    sums = totals(day.pieces)
    known_ms = sum(ms for (state, _), ms in sums.items() if state == "ok")
    lines = [f"{duration(known_ms)} of known activity; all other time is not counted."]
    why = {what: ms for (state, what), ms in sums.items() if state == "unknown"}
    if why:
        most = sorted(why.items(), key=lambda one: -one[1])
        lines.append("Unknown: " + ", ".join(f"{duration(ms)} {in_words(one)}" for one, ms in most))
    for step in day.steps:
        way = "forward" if step.by_s > 0 else "back"
        lines.append(
            f"The clock was set {way} by {_far(abs(step.by_s))} at"
            f" {to_local(step.utc_ms, day.zone):%H:%M:%S}; earlier times are corrected."
        )
    if day.misdated:
        lines.append(
            f"{day.misdated} decisions are left out: a wrong clock dated them in the time of other"
            " decisions."
        )
    return lines


def _far(by_s: float) -> str:
    if by_s < 60:
        return f"{by_s:.1f} s"
    days, rest_s = divmod(round(by_s), 86400)
    parts = ([f"{days} d"] if days else []) + ([duration(1000 * rest_s)] if rest_s else [])
    return " ".join(parts)
