"""The discovery message from which Home Assistant creates the board's entities. Pure.

One device discovery message (Home Assistant 2024.11 or newer): https://www.home-assistant.io/
integrations/mqtt/#device-discovery-payload. Entities have `name` only: Home Assistant refuses
`object_id` from 2026.4 on.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final, get_args
from zlib import crc32

from device.decision.decision import Reason, State

NO_ACTIVITY: Final = tuple(state for state in get_args(State) if state != "ok")
"""States that are shown instead of an activity."""


def node(base: str) -> str:
    """Return a topic as an identifier of letters, digits, `_` and `-`."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", base)


def _key(label: str) -> str:
    plain = node(label)
    return plain if plain == label else f"{plain}_{crc32(label.encode()):08x}"


def discovery_topic(prefix: str, base: str) -> str:
    """Return the topic of the discovery message."""
    return f"{prefix}/device/{node(base)}/config"


def device_config(
    base: str, name: str, labels: Sequence[str], version: str, stale_s: int
) -> dict[str, Any]:
    """Return the discovery message of a board with the model `name` and the topic prefix `base`.

    Home Assistant shows a value as unavailable if it is not sent again within `stale_s` seconds.
    """
    entities = {**_activity(base, labels), **_today(base, labels), **_health(base)}
    for key, entity in entities.items():
        entity["unique_id"] = f"{node(base)}_{key}"
        entity["expire_after"] = stale_s
    return {
        "device": {
            "identifiers": [node(base)],
            "name": base.rpartition("/")[2],
            "manufacturer": "edgehar",
            "model": name,
            "sw_version": version,
        },
        "origin": {"name": "edgehar", "sw_version": version},
        "availability_topic": f"{base}/availability",
        "components": entities,
    }


def _activity(base: str, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        "activity": _sensor(
            base, "state", "Activity", "{{ value_json.activity }}",
            icon="mdi:walk", device_class="enum", options=[*labels, *NO_ACTIVITY],
        ),
        "reason": _sensor(
            base, "state", "Reason", "{{ value_json.reason or 'none' }}",
            icon="mdi:help-circle-outline", device_class="enum",
            options=["none", *get_args(Reason)],
        ),
        "confidence": _sensor(
            base, "state", "Confidence", _percent("confidence"),
            icon="mdi:gauge", unit_of_measurement="%", state_class="measurement",
        ),
    }  # fmt: skip


def _today(base: str, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        f"today_{_key(label)}": _sensor(
            base, "today", f"{label.replace('_', ' ').capitalize()} today",
            f"{{{{ value_json.minutes[{json.dumps(label)}] }}}}",
            device_class="duration", unit_of_measurement="min", state_class="total_increasing",
        )
        for label in labels
    }  # fmt: skip


def _health(base: str) -> dict[str, dict[str, Any]]:
    lists = "{{ value_json.problems | join(', ') or 'none' }}"
    entities = {
        "problem": {
            **_sensor(base, "health", "Problem", "{{ value_json.problems | count > 0 }}"),
            "platform": "binary_sensor", "device_class": "problem",
            "payload_on": "True", "payload_off": "False",
        },
        "problems": _sensor(base, "health", "Problems", lists, icon="mdi:alert-outline"),
        "lost": _sensor(
            base, "health", "Samples lost", "{{ value_json.lost }}",
            icon="mdi:transit-connection-variant", state_class="total_increasing",
        ),
        "temperature": _sensor(
            base, "health", "Sensor temperature", "{{ value_json.temperature_c }}",
            device_class="temperature", unit_of_measurement="°C", state_class="measurement",
        ),
        "mounting": _sensor(
            base, "health", "Mounting confidence", _percent("mounting"),
            icon="mdi:watch", unit_of_measurement="%", state_class="measurement",
        ),
    }  # fmt: skip
    for entity in entities.values():
        entity["entity_category"] = "diagnostic"
    return entities


def _percent(key: str) -> str:
    value = f"value_json.{key}"
    return f"{{{{ (100 * {value}) | round if {value} is number else none }}}}"


def _sensor(base: str, topic: str, name: str, template: str, **others: Any) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": f"{base}/{topic}",
        "value_template": template,
        **others,
    }
