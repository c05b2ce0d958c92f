import json
from dataclasses import asdict, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.dashboard import view
from device.decision.decision import IN_WORDS, Reason, State
from device.sinks.status import Status
from device.sources import Health
from tests.device.dashboard.made_up import STATUS, saying


def told(status: Status) -> dict[str, Any]:
    """Return a Status as the dashboard receives it."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(status)))
    return found


def looks(status: Status) -> dict[str, str]:
    return {one["name"]: one["says"] for one in view.health(told(status)) if one["look"]}


def test_an_activity_with_how_sure_it_is() -> None:
    shown = view.now(told(saying("ok", "walking_upstairs")), 0.3, ended=False)
    assert (shown["state"], shown["words"], shown["why"]) == ("ok", "walking upstairs", "")
    assert shown["confidence"] == 0.9


@pytest.mark.parametrize("state", [state for state in get_args(State) if state != "ok"])
@pytest.mark.parametrize("reason", get_args(Reason))
def test_what_is_no_activity_is_said_as_such_with_its_reason(state: State, reason: Reason) -> None:
    shown = view.now(told(saying(state, None, reason)), 0.3, ended=False)
    assert shown["state"] == state
    assert shown["activity"] is None
    assert shown["words"] == state.replace("_", " ")
    assert shown["why"].lower().startswith(IN_WORDS[reason])


def test_a_silence_says_for_how_long() -> None:
    shown = view.now(told(saying("no_data", None, "silence")), 0.3, ended=False)
    assert shown["why"] == "No samples arrive, for 5 min."


@given(st.floats(view.FRESH_S, 1e9, exclude_min=True), st.booleans())
def test_what_the_daemon_said_long_ago_is_no_activity(age_s: float, ended: bool) -> None:
    shown = view.now(told(saying("ok", "walking")), age_s, ended=ended)
    assert (shown["state"], shown["activity"], shown["heard"]) == ("no_data", None, False)
    assert "daemon" in shown["why"]


def test_no_daemon_no_sensor() -> None:
    assert "No status" in view.now(None, 1e9, ended=False)["why"]
    assert not view.health(None)
    assert not view.counts(None)
    assert view.now(told(STATUS), 0.1, ended=False)["state"] == "no_data"


def test_all_is_well() -> None:
    assert looks(STATUS) == {}
    said = {one["name"]: one["says"] for one in view.health(told(STATUS))}
    assert said["Losses"] == "0.1 % of 10000 samples: 10 lost before they arrived"
    assert said["Temperature"] == "31.5 °C"
    assert said["Sensor's clock"] == "40 ppm slow: 3.5 s per day, corrected"
    assert said["Mounting"] == "known, 90 % sure"
    assert said["Model"] == "wrist@12345678, 0.3 ms per window"
    assert said["Running for"] == "1 h 02 min"


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"health": Health(problems=("no data",))}, "Sensor", "check the plug"),
        ({"health": Health(problems=("of a newer daemon",))}, "Sensor", "of a newer daemon"),
        ({"health": Health(fifo_free=0.05)}, "Sensor's FIFO", "5 %"),
        ({"mounting_known": False, "mounting_confidence": 0.2}, "Mounting", "walk"),
        ({"pipeline": {"samples": 900, "lost": 50, "repeated": 3}}, "Losses", "3 received twice"),
        ({"failed_writes": {"decisions.db": 2}}, "Written and sent", "decisions.db: 2 failed"),
    ],
)
def test_what_wants_a_look_says_why(change: dict[str, Any], name: str, says: str) -> None:
    found = looks(replace(STATUS, **change))
    assert list(found) == [name]
    assert says in found[name]


def test_all_that_was_counted_is_told() -> None:
    counts = dict(view.counts(told(STATUS)))
    assert counts == {
        "samples": 9990,
        "lost": 10,
        "not finite": 0,
        "windows": 150,
        "frames": 1000,
        "frames bad crc": 3,
    }
