"""A Status as the page shows it: what now, and how all is, each with its reason. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from device.history.lanes import SILENT
from device.history.summary import duration, in_words

FRESH_S: Final = 5.0
"""The daemon speaks every second; silent for longer, what it said last is no news."""
_LOST_SHARE: Final = 0.01
_LOSSES: Final = {
    "lost": "lost on the way",
    "not_finite": "not a number",
    "implausible": "beyond the sensor's scale",
    "repeated": "came twice",
    "backward": "went back in time",
}
_PROBLEMS: Final = {
    "stuck": "an axis gives one value only (stuck): is the chip broken, or a wire loose?",
    "clipping": "at the end of its scale (clipping): choose a wider one",
    "bus errors": "errors on the bus: look at the wires and their length",
    "no data": "nothing comes: is it plugged in, and has it power?",
}
Json = dict[str, Any]


def now(status: Json | None, age_s: float, *, ended: bool) -> Json:
    """Return what is done now: state, what it is in words, why not if so, how sure.

    Whatever is too old to be true now is `no_data`. Raises what a Status of another shape raises.
    """
    if status is None:
        return _none("The daemon has not been heard yet: does it run, with this database?")
    if ended:
        return _none(f"The daemon was stopped {_ago(age_s)}.")
    if age_s > FRESH_S:
        return _none(f"Nothing heard of the daemon for {_for(age_s)}: it has ended, or hangs.")
    decision = status["decision"]
    if decision is None:
        return _none("Nothing has come of the sensor yet.")
    state, reason = decision["state"], decision["reason"]
    is_ok = state == "ok"
    words = str(decision["activity"]).replace("_", " ") if is_ok else SILENT[state]
    why = "" if is_ok else f"{in_words(reason)}{_since(state, status)}."
    return {
        "state": state,
        "activity": decision["activity"],
        "words": words,
        "why": why[:1].upper() + why[1:],
        "confidence": decision["confidence"],
        "probabilities": decision["probabilities"] or {},
        "heard": True,
    }


def health(status: Json | None) -> list[Json]:
    """Return what there is to say of how all is: name, words, and whether it wants a look."""
    if status is None:
        return []
    return [
        {"name": name, "says": says, "look": look}
        for name, says, look in (*_sensor(status), *_daemon(status))
    ]


def counts(status: Json | None) -> list[tuple[str, int]]:
    """Return all that was counted, by name."""
    if status is None:
        return []
    found: Mapping[str, int] = {**status["pipeline"], **status["source_counts"]}
    return [(name.replace("_", " "), count) for name, count in found.items()]


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
    how = status["health"]
    problems = [_PROBLEMS.get(one, str(one)) for one in how["problems"]]
    yield "Sensor", "; ".join(problems) or "well", bool(problems)
    came = status["pipeline"].get("samples", 0)
    lost = {name: status["pipeline"].get(name, 0) for name in _LOSSES}
    share = sum(lost.values()) / max(1, came + lost["lost"])
    each = [f"{count} {_LOSSES[name]}" for name, count in lost.items() if count]
    says = f"{100 * share:.2g} % of {came + lost['lost']} samples: {', '.join(each)}"
    yield "Losses", says if each else f"none of {came} samples", share > _LOST_SHARE
    celsius = how["temperature_c"]
    says = "the sensor does not say" if celsius is None else f"{celsius:.1f} °C"
    yield "Temperature", says, False
    ppm = how["clock_ppm"]
    yield "Sensor's clock", "not known yet" if ppm is None else _drift(ppm), False
    if how["fifo_free"] is not None:
        free = how["fifo_free"]
        yield "Chip's buffer", f"{100 * free:.0f} % free", free < 0.1
    known, sure = status["mounting_known"], status["mounting_confidence"]
    if known is None:
        yield "Mounting", "as the model or the settings say", False
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
    says = [f"{name}: {count} failed" for name, count in failed.items()]
    says += [f"{name}: {count} waiting" for name, count in waiting.items()]
    yield "Written and sent", "; ".join(says) or "all", bool(failed)


def _took(inference: Json | None) -> str:
    windows = 0 if inference is None else sum(inference["windows"])
    if inference is None or not windows:
        return ""
    return f", {1000 * inference['sum_s'] / windows:.2g} ms a window"


def _drift(ppm: float) -> str:
    a_day_s = abs(ppm) * 0.0864
    way = "fast" if ppm > 0 else "slow"
    return f"{abs(ppm):.0f} ppm {way}: {a_day_s:.1f} s a day, allowed for"


def _ago(age_s: float) -> str:
    return f"{_for(age_s)} ago" if age_s >= 1 else "just now"


def _for(seconds: float) -> str:
    return duration(round(1000 * seconds))
