"""Turns a Status into the texts of the page: the activity now, and the health. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from device.history.lanes import SILENT
from device.history.summary import duration, in_words

FRESH_S: Final = 5.0
"""The daemon sends a Status every second; an older one is shown as `no data`."""
_LOST_SHARE: Final = 0.01
_LOSSES: Final = {
    "lost": "lost before they arrived",
    "not_finite": "not a number",
    "implausible": "outside the sensor's range",
    "repeated": "received twice",
    "backward": "with a time that goes back",
}
_PROBLEMS: Final = {
    "stuck": "an axis always gives the same value (stuck): check the chip and the wires",
    "clipping": "values reach full scale (clipping): choose a larger full scale",
    "bus errors": "errors on the bus: check the wires and their length",
    "no data": "no samples arrive: check the plug and the power",
}
Json = dict[str, Any]


def now(status: Json | None, age_s: float, *, ended: bool) -> Json:
    """Return the state now, its name, the reason if there is no activity, and the confidence.

    A Status that is too old gives `no_data`. A Status with other fields raises KeyError, TypeError,
    ValueError or AttributeError.
    """
    if status is None:
        return _none("No status from the daemon yet: check that it runs and uses this database.")
    if ended:
        return _none(f"The daemon was stopped {_ago(age_s)}.")
    if age_s > FRESH_S:
        return _none(f"No status from the daemon for {_for(age_s)}: it has ended or hangs.")
    decision = status["decision"]
    if decision is None:
        return _none("No decision yet: waiting for samples from the sensor.")
    state, reason = decision["state"], decision["reason"]
    is_ok = state == "ok"
    name = str(decision["activity"]).replace("_", " ") if is_ok else SILENT[state]
    why = "" if is_ok else f"{in_words(reason)}{_since(state, status)}."
    return {
        "state": state,
        "activity": decision["activity"],
        "words": name,
        "why": why[:1].upper() + why[1:],
        "confidence": decision["confidence"],
        "probabilities": decision["probabilities"] or {},
        "heard": True,
    }


def health(status: Json | None) -> list[Json]:
    """Return the lines of the health card: name, text, and whether it needs attention."""
    if status is None:
        return []
    return [
        {"name": name, "says": says, "look": look}
        for name, says, look in (*_sensor(status), *_daemon(status))
    ]


def counts(status: Json | None) -> list[tuple[str, int]]:
    """Return all counters: name and count."""
    if status is None:
        return []
    by_name: Mapping[str, int] = {**status["pipeline"], **status["source_counts"]}
    return [(name.replace("_", " "), count) for name, count in by_name.items()]


def _none(why: str) -> Json:
    return {
        "state": "no_data",
        "activity": None,
        "words": SILENT["no_data"],
        "why": why,
        "confidence": None,
        "probabilities": {},
        "heard": False,
    }


def _since(state: str, status: Json) -> str:
    at = status["decision"]["time"]
    if state != "no_data" or at is None:
        return ""
    for_s = (datetime.fromisoformat(status["time"]) - datetime.fromisoformat(at)).total_seconds()
    return f", for {_for(for_s)}" if for_s >= 1 else ""


def _sensor(status: Json) -> Iterator[tuple[str, str, bool]]:
    sensor = status["health"]
    problems = [_PROBLEMS.get(one, str(one)) for one in sensor["problems"]]
    yield "Sensor", "; ".join(problems) or "no problems", bool(problems)
    received = status["pipeline"].get("samples", 0)
    lost = {name: status["pipeline"].get(name, 0) for name in _LOSSES}
    share = sum(lost.values()) / max(1, received + lost["lost"])
    each = [f"{count} {_LOSSES[name]}" for name, count in lost.items() if count]
    text = f"{100 * share:.2g} % of {received + lost['lost']} samples: {', '.join(each)}"
    yield "Losses", text if each else f"none of {received} samples", share > _LOST_SHARE
    celsius = sensor["temperature_c"]
    yield "Temperature", "not measured" if celsius is None else f"{celsius:.1f} °C", False
    ppm = sensor["clock_ppm"]
    yield "Sensor's clock", "not known yet" if ppm is None else _drift(ppm), False
    if (free := sensor["fifo_free"]) is not None:
        yield "Sensor's FIFO", f"{100 * free:.0f} % free", free < 0.1
    known, sure = status["mounting_known"], status["mounting_confidence"]
    if known is None:
        yield "Mounting", "set by the model or the settings", False
    elif known:
        yield "Mounting", f"known, {100 * sure:.0f} % sure", False
    else:
        yield "Mounting", f"not known yet, {100 * sure:.0f} % sure: walk for half a minute", True


def _daemon(status: Json) -> Iterator[tuple[str, str, bool]]:
    yield "Source", status["source"], False
    yield "Model", status["model"] + _took(status["inference"]), False
    yield "Running for", _for(status["uptime_s"]), False
    failed = {name: count for name, count in status["failed_writes"].items() if count}
    waiting = {name: count for name, count in status["queued"].items() if count}
    texts = [f"{name}: {count} failed" for name, count in failed.items()]
    texts += [f"{name}: {count} waiting" for name, count in waiting.items()]
    yield "Written and sent", "; ".join(texts) or "everything", bool(failed)


def _took(inference: Json | None) -> str:
    windows = 0 if inference is None else sum(inference["windows"])
    if inference is None or not windows:
        return ""
    return f", {1000 * inference['sum_s'] / windows:.2g} ms per window"


def _drift(ppm: float) -> str:
    a_day_s = abs(ppm) * 0.0864
    way = "fast" if ppm > 0 else "slow"
    return f"{abs(ppm):.0f} ppm {way}: {a_day_s:.1f} s per day, corrected"


def _ago(age_s: float) -> str:
    return f"{_for(age_s)} ago" if age_s >= 1 else "just now"


def _for(seconds: float) -> str:
    return duration(round(1000 * seconds))
