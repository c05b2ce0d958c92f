"""The daemon in a new process, at a virtual port; also with a notify socket as under systemd."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from device.cli import PROGRAM
from tests.device.commands import edgehar, lines, playing
from tests.waiting import wait_for


class Running:
    """A daemon at a port in a folder."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.port = folder / "port"
        self.database = folder / "decisions.db"
        self._report = folder / "report.json"
        self._out, self._log = folder / "out.jsonl", folder / "log"
        with self._out.open("w") as out, self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, "run", "--report", str(self._report), *options],
                stdout=out, stderr=log, env=os.environ | environment,
            )  # fmt: skip

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return lines(self._out.read_text())

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._report.read_text())
        return found

    def wait_for(self, words: str) -> None:
        wait_for(lambda: words in self.log or self.process.poll() is not None, words)
        assert words in self.log, self.log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def daemon(folder: Path, *options: str) -> Iterator[Running]:
    where = ("--source", f"serial:{folder}/port", "--sqlite", f"{folder}/decisions.db")
    running = Running(folder, *where, *options)
    try:
        running.wait_for("ready")
        yield running
    finally:
        running.kill()


def stop(running: Running, how: signal.Signals = signal.SIGTERM) -> None:
    running.process.send_signal(how)
    assert running.process.wait(10) == 0


def play(recording: Path, running: Running, *options: str) -> dict[str, Any]:
    report = running.port.with_name("played.json")
    saved = running.port.with_name("sent.csv")
    where = ("--link", str(running.port), "--save", str(saved), "--report", str(report))
    done = edgehar("play", recording, *where, "--speed", "max", *options)
    assert done.returncode == 0, done.stderr
    played: dict[str, Any] = json.loads(report.read_text())
    return played


def ran_over(recording: Path, folder: Path, *options: str, speed: str = "max") -> Running:
    """Run a daemon over a whole recording and stop it."""
    with daemon(folder, *options) as running:
        play(recording, running, "--speed", speed)
        running.wait_for("went away")
        stop(running)
    return running


def without(decisions: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in one.items() if k not in keys} for one in decisions]


def stored(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = [
            dict(row) for row in database.execute("SELECT * FROM decisions ORDER BY run, number")
        ]
    for row in rows:
        del row["run"], row["number"]
        row["probabilities"] = row["probabilities"] and json.loads(row["probabilities"])
    return rows


class Service:
    """A daemon that reports to a notify socket, with settings that a test may change."""

    daemon: Running
    ready: str

    def __init__(self, folder: Path) -> None:
        self.port, self.settings = folder / "port", folder / "edgehar.toml"
        self._folder = folder
        self._heard: list[str] = []
        self._read = 0

    @contextmanager
    def running(self) -> Iterator["Service"]:
        address = str(self._folder / "notify")
        environment = {"NOTIFY_SOCKET": address, "STATE_DIRECTORY": str(self._folder)}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as self._socket:
            self._socket.bind(address)
            threading.Thread(target=self._listen, daemon=True).start()
            self.daemon = Running(self._folder, "--config", str(self.settings), **environment)
            try:
                yield self
            finally:
                self.daemon.kill()

    def _listen(self) -> None:
        with suppress(OSError):
            while message := self._socket.recv(4096).decode():
                self._heard.append(message)

    def wait_for(self, words: str) -> str:
        """Return the next message to systemd with these words."""

        def came() -> bool:
            self._read += 1
            return words in self._heard[self._read - 1]

        wait_for(lambda: self._read < len(self._heard) and came(), f"{words}: {self.daemon.log}")
        return self._heard[self._read - 1]

    def write(self, model: str, *more: str) -> None:
        source = f'[source]\nuri = "serial:{self.port}"\n'
        self.settings.write_text(f'model = "{model}"\n{source}' + "\n".join(more))

    def reload_at(self, decisions: int) -> None:
        wait_for(lambda: len(self.daemon.decisions) >= decisions, f"{decisions} decisions")
        self.daemon.process.send_signal(signal.SIGHUP)


@contextmanager
def serving(recording: Path, folder: Path, *settings: str) -> Iterator[Service]:
    """Run a service with the model `waist` over a whole recording, which is saved as sent.csv."""
    service = Service(folder)
    service.write("waist", *settings)
    options = ("--speed", "30", "--save", f"{folder}/sent.csv")
    with service.running(), playing(recording, service.port, *options, to_the_end=True):
        service.ready = service.wait_for("READY=1")
        yield service
        service.daemon.wait_for("went away")
        stop(service.daemon)
