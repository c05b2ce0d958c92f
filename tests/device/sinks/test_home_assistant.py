"""Checks the discovery message against a summary of Home Assistant's documentation (JSON)."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.decision.decision import Reason, State
from device.sinks.mqtt.home_assistant import device_config, discovery_topic

DOCUMENTED = json.loads(Path(__file__).with_name("home_assistant.json").read_text("utf-8"))
LABELS = ("walking", "sitting", "walking_upstairs")
BASE = "edgehar/wrist"

labels = st.lists(
    st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=12),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


def check(table: str, found: dict[str, Any]) -> None:
    known = DOCUMENTED[table]
    assert set(known.get("required", ())) <= set(found)
    assert set(found) <= {*known.get("required", ()), *known["optional"]}


@given(labels, st.from_regex(r"[^+#\s/$][^+#\s/]{0,20}/[^+#\s/]{1,20}", fullmatch=True))
def test_it_is_what_is_documented(said: list[str], base: str) -> None:
    message = json.loads(json.dumps(device_config(base, "wrist", said, "1.0", 180)))
    assert re.fullmatch(DOCUMENTED["topic"], discovery_topic("homeassistant", base))
    check("message", message)
    check("device", message["device"])
    check("origin", message["origin"])
    assert any(message["device"].get(key) for key in DOCUMENTED["device"]["one of"])
    for entity in message["components"].values():
        check_entity(entity)
    ids = [entity["unique_id"] for entity in message["components"].values()]
    assert len(set(ids)) == len(ids) == len(said) + 8


def check_entity(entity: dict[str, Any]) -> None:
    check(entity["platform"], entity)
    for key, value in entity.items():
        if key in DOCUMENTED["integers"]:
            assert type(value) is int
        elif key == "options":
            assert value
            assert all(isinstance(option, str) for option in value)
            assert entity["device_class"] == "enum"
            assert not {"state_class", "unit_of_measurement"} & set(entity)
        else:
            assert isinstance(value, str)
    for key in ("state_class", "entity_category"):
        assert entity.get(key) in {None, *DOCUMENTED[key]}
    kind = entity.get("device_class")
    if entity["platform"] == "binary_sensor":
        assert kind in DOCUMENTED["binary classes"]
    elif kind is not None:
        units = DOCUMENTED["units"][kind]
        assert entity.get("unit_of_measurement") in (units or [None])
    if "state_class" in entity and kind == "temperature":
        assert entity["state_class"] == "measurement"


def test_every_activity_and_every_state_without_one_may_be_shown() -> None:
    found = device_config(BASE, "wrist", LABELS, "1.0", 180)["components"]
    assert set(found["activity"]["options"]) == {*LABELS, *get_args(State)} - {"ok"}
    assert set(found["reason"]["options"]) == {"none", *get_args(Reason)}
    assert {key for key in found if key.startswith("today_")} == {f"today_{one}" for one in LABELS}


def test_all_topics_are_those_that_are_published() -> None:
    message = device_config(BASE, "wrist", LABELS, "1.0", 180)
    topics = {entity["state_topic"] for entity in message["components"].values()}
    assert topics == {f"{BASE}/{topic}" for topic in ("state", "today", "health")}
    assert message["availability_topic"] == f"{BASE}/availability"


PUBLISHED: dict[str, dict[str, Any]] = {
    "state": {"activity": "walking", "state": "ok", "reason": None, "confidence": 0.973},
    "today": {"date": "2026-03-01", "minutes": {"walking": 1.5, "it's \"so\"": 2.5}},
    "health": {"problems": ["clipping", "bus errors"], "temperature_c": 30.5, "lost": 3,
               "mounting": 0.988},
}  # fmt: skip


def rendered(published: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the text of each entity, rendered with Home Assistant's template language."""
    jinja2 = pytest.importorskip("jinja2", reason="needs jinja2, to render value templates")
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    said = list(published["today"]["minutes"])
    shown = {}
    for key, entity in device_config(BASE, "wrist", said, "1.0", 180)["components"].items():
        values = published[entity["state_topic"].rpartition("/")[2]]
        shown[key] = environment.from_string(entity["value_template"]).render(value_json=values)
    return shown


def test_the_templates_show_what_is_published() -> None:
    pytest.importorskip("jinja2.sandbox", reason="needs jinja2, to render value templates")
    assert rendered(PUBLISHED) == {
        "activity": "walking", "reason": "none", "confidence": "97.0",
        "today_walking": "1.5", "today_it_s__so__13376c72": "2.5",
        "problem": "True", "problems": "clipping, bus errors", "lost": "3",
        "temperature": "30.5", "mounting": "99.0",
    }  # fmt: skip


def test_what_is_not_known_is_none_to_home_assistant() -> None:
    pytest.importorskip("jinja2.sandbox", reason="needs jinja2, to render value templates")
    nothing: dict[str, dict[str, Any]] = {
        "state": {"activity": "no_data", "state": "no_data", "reason": "silence",
                  "confidence": None},
        "today": {"date": "2026-03-01", "minutes": {"walking": 0.0}},
        "health": {"problems": [], "temperature_c": None, "lost": 0, "mounting": None},
    }  # fmt: skip
    shown = rendered(nothing)
    assert (shown["activity"], shown["reason"]) == ("no_data", "silence")
    assert shown["confidence"] == shown["temperature"] == shown["mounting"] == "None"
    assert (shown["problem"], shown["problems"]) == ("False", "none")
