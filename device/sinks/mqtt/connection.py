"""A connection to an MQTT broker that reconnects and then sends the retained topics again.

The library's thread connects, waits and sends; callers never wait. While the broker is
unreachable, the latest text of each retained topic waits in memory and is sent after the
reconnect. The client subscribes to nothing, so it receives no messages.
"""

import logging
import sys
import threading
import time
from collections import deque
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from device.config.broker import Broker

log = logging.getLogger(__name__)

BACKLOG: Final = 1000
"""Largest number of messages of other topics that wait to be sent."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 60
"""Seconds between attempts to connect; each wait is twice the one before."""
LAST_WORDS_S: Final = 1.0
"""Time at the end in which the broker can confirm the messages that wait."""
_LOG_AGAIN_S: Final = 60.0


class Connection:
    """One client of one broker."""

    def __init__(self, broker: Broker, latest: dict[str, str]) -> None:
        """Start to connect; `latest` has the first text of each retained topic ('': none yet).

        Raises InputError if a file that the settings name cannot be used.
        """
        host, port = broker.address
        self.name = f"mqtt {host}:{port}"
        self.dropped = 0
        """Number of messages dropped because the backlog was full."""
        self._availability = f"{broker.base}/availability"
        self._latest = latest
        self._lock = threading.Lock()
        self._unsent: set[int] = set()
        self._confirmed: deque[int] = deque()
        self._connected = self._refused = self._closing = False
        self._logged_s: dict[str, float] = {}
        self._client = client = Client(CallbackAPIVersion.VERSION2, broker.name)
        client.username, client.password = broker.user, broker.password()
        context = broker.context()
        if context is not None:
            client.tls_set_context(context)
        elif broker.password_file is not None and not broker.is_here:
            log.warning("%s: without TLS, others on the network can read the password", self.name)
        client.will_set(self._availability, "offline", qos=1, retain=True)
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        client.max_queued_messages_set(BACKLOG)
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_disconnect, client.on_publish = self._on_disconnect, self._on_publish
        client.connect_async(*broker.address, keepalive=broker.keepalive_s)
        client.loop_start()

    @property
    def queued(self) -> int:
        """Number of messages of `send` that the broker has not confirmed yet."""
        while self._confirmed:
            self._unsent.discard(self._confirmed.popleft())
        return len(self._unsent)

    def retain(self, topic: str, text: str) -> None:
        """Set the text of a retained topic, one of `latest`."""
        with self._lock:
            self._latest[topic] = text
            if self._connected:
                # QoS 0, without confirmation: after a reconnect it is sent again.
                self._client.publish(topic, text, qos=0, retain=True)

    def send(self, topic: str, text: str) -> None:
        """Send a message, now or after a reconnect; drop it if BACKLOG others wait."""
        sent = self._client.publish(topic, text, qos=1)
        if sent.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self.dropped += 1
        else:
            self._unsent.add(sent.mid)

    def close(self) -> None:
        """Disconnect; messages that the broker does not confirm in LAST_WORDS_S are lost."""
        self._closing = True
        until_s = time.monotonic() + LAST_WORDS_S
        while self._connected and self.queued and time.monotonic() < until_s:
            time.sleep(0.02)
        if self._connected:
            last = self._client.publish(self._availability, "offline", qos=0, retain=True)
            if last.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                last.wait_for_publish(LAST_WORDS_S)
        client = self._client
        client.disconnect()
        # Without these references the client is freed with this object and closes its sockets.
        client.on_connect = client.on_connect_fail = None
        client.on_disconnect = client.on_publish = None

    # The methods below run in the library's thread.

    def _on_connect(self, client: Client, _: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        if reason.is_failure:
            self._refused = True
            self._log(logging.ERROR, f"refused: {reason}; check mqtt.user and mqtt.password_file")
            return
        with self._lock:
            for topic, text in self._latest.items():
                if text:
                    client.publish(topic, text, qos=0, retain=True)
            client.publish(self._availability, "online", qos=0, retain=True)
            self._connected = True
        self._log(logging.INFO, "connected")

    def _on_connect_fail(self, _client: Client, _: Any) -> None:
        # The library calls this inside its exception handler and does not pass the exception.
        error = sys.exception()
        self._log(logging.WARNING, f"{getattr(error, 'strerror', None) or error}; trying again")

    def _on_disconnect(self, _c: Client, _: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        was_connected, self._connected = self._connected, False
        refused, self._refused = self._refused, False
        if self._closing:
            return
        if was_connected:
            self._log(logging.WARNING, f"the connection broke ({reason}); trying again")
        elif not refused:
            silent = reason == "Keep alive timeout"
            how = "does not answer" if silent else "closes the connection immediately"
            advice = "does it require TLS, a client certificate or another port?"
            self._log(logging.ERROR, f"{how}; {advice}")

    def _on_publish(self, _c: Client, _: Any, mid: int, _reason: ReasonCode, _p: Any) -> None:
        self._confirmed.append(mid)

    def _log(self, level: int, text: str) -> None:
        now = time.monotonic()
        if now - self._logged_s.get(text, float("-inf")) >= _LOG_AGAIN_S:
            self._logged_s[text] = now
            log.log(level, "%s: %s", self.name, text)
