"""A real MQTT broker on the loopback, a client that listens to it, and a sink that publishes."""

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from device.config.broker import Broker
from device.sinks.mqtt.sink import MqttSink
from tests.ports import free_port
from tests.waiting import wait_for

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
WAIT_S = 30.0


class Mosquitto:
    """A broker whose folder and port survive a restart."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._settings = settings or ("allow_anonymous true",)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        config = self._folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1", "persistence true", "max_queued_messages 0",
            f"persistence_location {self._folder}/", "user root", *self._settings,
        ]  # fmt: skip
        config.write_text("\n".join(lines) + "\n")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", str(config)], stdout=log, stderr=log)
        wait_for(self._listens, "mosquitto starts")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(WAIT_S)
            self._process = None

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text()
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def broker(folder: Path, *settings: str) -> Iterator[Mosquitto]:
    if PROGRAM is None:
        pytest.skip("no MQTT broker here; apt-get install mosquitto")
    found = Mosquitto(folder, *settings)
    found.start()
    try:
        yield found
    finally:
        found.stop()


class Listener:
    """Receives all messages, in a session that outlives a broker's restart."""

    def __init__(self, port: int, **login: Any) -> None:
        self.heard: list[tuple[str, str, bool]] = []
        """Topic, text, and whether it was retained from before."""
        self._listens = threading.Event()
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, "listener", clean_session=False, reconnect_on_failure=True
        )
        for name, value in login.items():
            getattr(client, name)(*value)
        client.on_message = self._hear
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda *_: client.subscribe("#", 1) and None
        client.on_subscribe = lambda *_: self._listens.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert self._listens.wait(WAIT_S)

    def latest(self, topic: str) -> str | None:
        return next((text for name, text, _ in reversed(self.heard) if name == topic), None)

    def all(self, topic: str) -> list[str]:
        return [text for name, text, _ in self.heard if name == topic]

    def wait_for(self, topic: str, text: str) -> None:
        wait_for(lambda: text in (self.latest(topic) or ""), f"{topic} says {text}")

    def close(self) -> None:
        client = self._client
        client.disconnect()
        client.loop_stop()
        # Without these references the client is freed with this object and closes its sockets.
        client.on_connect = client.on_message = client.on_subscribe = None

    def _hear(self, _client: Client, _: Any, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload.decode(), message.retain))


@contextmanager
def listener(port: int, **login: Any) -> Iterator[Listener]:
    with closing(Listener(port, **login)) as found:
        yield found


@contextmanager
def told(settings: Broker) -> Iterator[MqttSink]:
    """A sink that publishes to a broker."""
    sink = MqttSink(settings, ("walking", "sitting"), "wrist@12345678")
    try:
        yield sink
    finally:
        sink.close()
        sink._link._client.loop_stop()  # its thread must end with the test
