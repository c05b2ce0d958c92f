"""Publishes activity, daily totals and sensor health to an MQTT broker, for home automation.

Topics under the prefix: `state`, `today` and `health`, retained JSON; `availability`, with a last
will; if the setting mqtt.decisions is true, `decisions`, each as on standard output.
"""

import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from device.config.broker import Broker
from device.decision.decision import Decision, to_json
from device.sinks.mqtt.connection import Connection
from device.sinks.mqtt.home_assistant import device_config, discovery_topic
from device.sinks.status import Status

STATE_EVERY_S, STATUS_EVERY_S = 10.0, 60.0
"""Interval at which an unchanged value is sent again."""
STALE_S: Final = 180
"""After this time without a message, Home Assistant shows the values as unavailable."""


class MqttSink:
    """A sink that publishes to a broker and never waits for it."""

    def __init__(self, broker: Broker, labels: Sequence[str], model: str) -> None:
        """Start to connect. Raises InputError if a file that the settings name cannot be used."""
        self._base, self._sends_decisions = broker.base, broker.decisions
        starting = {"activity": "warming_up", "state": "warming_up", "reason": "start"}
        latest = {
            f"{self._base}/state": json.dumps({**starting, "confidence": None, "time": None}),
            f"{self._base}/today": "",
            f"{self._base}/health": "",
        }
        if broker.discovery is not None:
            name = model.partition("@")[0]
            config = device_config(self._base, name, labels, version("edgehar"), STALE_S)
            latest = {discovery_topic(broker.discovery, self._base): json.dumps(config), **latest}
        self._state: tuple[str | None, ...] = ()
        self._published: tuple[object, ...] = ()
        self._unsent: Status | None = None
        self._state_s = self._published_s = float("-inf")
        self._link = Connection(broker, latest)
        self.name = self._link.name

    @property
    def queued(self) -> int:
        """Number of decisions that the broker has not confirmed yet."""
        return self._link.queued

    def write(self, decision: Decision) -> None:
        """Publish the state if it changed or STATE_EVERY_S have passed."""
        if self._sends_decisions:
            self._link.send(f"{self._base}/decisions", to_json(decision))
        now, state = time.monotonic(), (decision.state, decision.activity, decision.reason)
        if state == self._state and now - self._state_s < STATE_EVERY_S:
            return
        self._state, self._state_s = state, now
        confidence = decision.confidence
        self._retain(
            "state",
            {
                "activity": decision.activity or decision.state,
                "state": decision.state,
                "reason": decision.reason,
                "confidence": None if confidence is None else round(confidence, 3),
                "time": decision.time,
            },
        )

    def status(self, status: Status) -> None:
        """Publish totals and health if they changed or STATUS_EVERY_S have passed."""
        now, value = time.monotonic(), (status.health.problems, status.today)
        self._unsent = status
        if value != self._published or now - self._published_s >= STATUS_EVERY_S:
            self._published, self._published_s = value, now
            self._publish(status)

    def close(self) -> None:
        """Publish the last Status and disconnect; takes at most about two seconds."""
        if self._unsent is not None:
            self._publish(self._unsent)
        self._link.close()

    def _publish(self, status: Status) -> None:
        self._unsent = None
        mounting = status.mounting_confidence
        minutes = {label: round(done_s / 60, 1) for label, done_s in status.today_s.items()}
        self._retain("today", {"date": status.today, "minutes": minutes})
        self._retain(
            "health",
            {
                "problems": status.health.problems,
                "temperature_c": status.health.temperature_c,
                "samples": status.pipeline["samples"],
                "lost": status.pipeline["lost"],
                "mounting": None if mounting is None else round(mounting, 3),
                "failed_writes": sum(status.failed_writes.values()),
                "decisions_dropped": self._link.dropped,
                "uptime_s": round(status.uptime_s),
                "model": status.model,
                "source": status.source,
                "time": status.time,
            },
        )

    def _retain(self, topic: str, values: dict[str, Any]) -> None:
        self._link.retain(f"{self._base}/{topic}", json.dumps(values, allow_nan=False))
