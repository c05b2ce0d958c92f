"""A connection to an MQTT broker that comes and goes while topics are kept up to date.

The library's thread connects, waits and sends; nothing here waits for it. While the broker is away
only the latest text of each retained topic is kept, and sent when it is back. Nothing is subscribed
to, so nobody can send us anything.
"""

import logging
import sys
import threading
import time
from collections import deque
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.config.broker import Broker

log = logging.getLogger(__name__)

BACKLOG: Final = 1000
"""Messages that are not of a retained topic, kept while they cannot be sent."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 60
"""Between attempts to connect; each doubles the one before."""
LAST_WORDS_S: Final = 1.0
"""At the end, for the broker to take what is left."""
_SAY_AGAIN_S: Final = 60.0


class Connection:
    """One client of one broker."""

    def __init__(self, broker: Broker, latest: dict[str, str]) -> None:
        """Begin to connect, with what the retained topics hold at first ('': nothing yet).

        Raises InputError if a file of the settings is of no use.
        """
        host, port = broker.address
        self.name = f"mqtt {host}:{port}"
        self.dropped = 0
        """Messages that found the backlog full."""
        self._availability = f"{broker.base}/availability"
        self._latest = latest
        self._lock = threading.Lock()
        self._unsent: set[int] = set()
        self._taken: deque[int] = deque()
        self._connected = self._refused = self._closing = False
        self._said_s: dict[str, float] = {}
        self._client = client = Client(CallbackAPIVersion.VERSION2, broker.name)
        client.username, client.password = broker.user, broker.password()
        context = broker.context()
        if context is not None:
            client.tls_set_context(context)
        elif broker.password_file is not None and not broker.is_here:
            log.warning("%s: without TLS, the password can be read on the way", self.name)
        client.will_set(self._availability, "offline", qos=1, retain=True)
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        client.max_queued_messages_set(BACKLOG)
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_disconnect, client.on_publish = self._on_disconnect, self._on_publish
        client.connect_async(*broker.address, keepalive=broker.keepalive_s)
        client.loop_start()

    @property
    def queued(self) -> int:
        """How many messages given to `send` the broker has not confirmed yet."""
        while self._taken:
            self._unsent.discard(self._taken.popleft())
        return len(self._unsent)

    def retain(self, topic: str, text: str) -> None:
        """Let a topic, one of the first ones, hold this text."""
        with self._lock:
            self._latest[topic] = text
            if self._connected:
                # Not confirmed: whatever a broken connection swallows, the next one begins with.
                self._client.publish(topic, text, qos=0, retain=True)

    def send(self, topic: str, text: str) -> None:
        """Send a message once, sooner or later, unless BACKLOG others wait already."""
        sent = self._client.publish(topic, text, qos=1)
        if sent.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self.dropped += 1
        else:
            self._unsent.add(sent.mid)

    def close(self) -> None:
        """Say goodbye, if the broker listens: what it has not taken soon, it never will."""
        self._closing = True
        until_s = time.monotonic() + LAST_WORDS_S
        while self._connected and self.queued and time.monotonic() < until_s:
            time.sleep(0.02)
        if self._connected:
            gone = self._client.publish(self._availability, "offline", qos=0, retain=True)
            if gone.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                gone.wait_for_publish(LAST_WORDS_S)
        self._client.disconnect()

    # From here on in the library's thread.

    def _on_connect(
        self,
        client: Client,
        _: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _p: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refused = True
            self._say(logging.ERROR, f"refused: {reason}; check mqtt.user and mqtt.password_file")
            return
        with self._lock:
            for topic, text in self._latest.items():
                if text:
                    client.publish(topic, text, qos=0, retain=True)
            client.publish(self._availability, "online", qos=0, retain=True)
            self._connected = True
        self._say(logging.INFO, "connected")

    def _on_connect_fail(self, _client: Client, _: Any) -> None:
        # Called while the library handles the error, which it does not pass on.
        error = sys.exception()
        self._say(logging.WARNING, f"{getattr(error, 'strerror', None) or error}; trying again")

    def _on_disconnect(
        self,
        _client: Client,
        _: Any,
        _f: DisconnectFlags,
        reason: ReasonCode,
        _p: Properties | None,
    ) -> None:
        before, self._connected = self._connected, False
        refused, self._refused = self._refused, False
        if self._closing:
            return
        if before:
            self._say(logging.WARNING, f"the connection broke ({reason}); trying again")
        elif not refused:
            how = "does not answer" if reason == "Keep alive timeout" else "hangs up at once"
            what = "does it want TLS, a client certificate or another port?"
            self._say(logging.ERROR, f"{how}; {what}")

    def _on_publish(
        self, _client: Client, _: Any, mid: int, _reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._taken.append(mid)

    def _say(self, level: int, what: str) -> None:
        now = time.monotonic()
        if now - self._said_s.get(what, float("-inf")) >= _SAY_AGAIN_S:
            self._said_s[what] = now
            log.log(level, "%s: %s", self.name, what)
