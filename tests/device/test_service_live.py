"""The daemon as systemd sees it: a real process, a real notify socket, a real serial line."""

import itertools
import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from device.cli import PROGRAM
from tests.device.commands import edgehar, lines

pytestmark = pytest.mark.slow  # in real time


def tries(what: str) -> Iterator[None]:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)
    pytest.fail(f"never came: {what}")


class Service:
    """A daemon that tells a notify socket how it is, reading settings that a test may change."""

    def __init__(self, folder: Path) -> None:
        self.port, self.settings = folder / "port", folder / "edgehar.toml"
        self.out, self.log, self.report = folder / "out", folder / "log", folder / "report.json"
        self._folder = folder
        self.heard: list[str] = []
        self._read = 0

    @contextmanager
    def running(self) -> Iterator["Service"]:
        address = self._folder / "notify"
        command = [*PROGRAM, "run", "--config", str(self.settings), "--report", str(self.report)]
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as self._socket,
            self.out.open("w") as out,
            self.log.open("w") as err,
        ):
            self._socket.bind(str(address))
            threading.Thread(target=self._listen, daemon=True).start()
            environment = {"NOTIFY_SOCKET": str(address), "STATE_DIRECTORY": str(self._folder)}
            self.process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
            try:
                yield self
            finally:
                self.process.kill()
                self.process.wait()

    def _listen(self) -> None:
        with suppress(OSError):
            while message := self._socket.recv(4096).decode():
                self.heard.append(message)

    def wait_for(self, words: str) -> str:
        """Return the next that systemd is told with these words in it."""
        for _ in tries(f"{words}: {self.log.read_text()}"):
            while self._read < len(self.heard):
                self._read += 1
                if words in self.heard[self._read - 1]:
                    return self.heard[self._read - 1]
        raise AssertionError

    def wait_for_log(self, words: str) -> None:
        for _ in tries(words):
            if words in self.log.read_text():
                return

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0

    def write(self, model: str, *more: str) -> None:
        source = f'[source]\nuri = "serial:{self.port}"\n'
        self.settings.write_text(f'model = "{model}"\n{source}' + "\n".join(more))


@contextmanager
def playing(recording: Path, service: Service, folder: Path) -> Iterator[None]:
    where = ("--link", str(service.port), "--save", str(folder / "sent.csv"))
    command = [*PROGRAM, "play", str(recording), *where, "--speed", "30"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as player:
        yield
        player.wait(timeout=60)


def reload_at(service: Service, decisions: int) -> None:
    for _ in tries(f"{decisions} decisions"):
        if len(service.out.read_text().splitlines()) >= decisions:
            break
    service.process.send_signal(signal.SIGHUP)


def test_new_sinks_cost_no_window(recording: Path, tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.write("waist")
    with service.running(), playing(recording, service, tmp_path):
        ready = service.wait_for("READY=1")
        assert "model waist@" in ready
        reload_at(service, 10)
        service.wait_for("RELOADING=1")
        service.wait_for("READY=1")
        service.write("waist", "[sinks]", f'sqlite = "{tmp_path}/d.db"')
        reload_at(service, 20)
        service.wait_for("RELOADING=1")
        service.wait_for("READY=1")
        service.wait_for_log("went away")
        service.stop()
    said = lines(service.out.read_text())
    offline = lines(edgehar("classify", tmp_path / "sent.csv", "--model", "waist").stdout)
    assert [{**d, "time": None} for d in said] == offline
    assert json.loads(service.report.read_text())["decisions"] == len(offline)
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        (kept,) = database.execute("SELECT count(*) FROM decisions").fetchone()
    assert 20 < kept + 20 <= len(offline)


def test_a_new_model_goes_on_where_the_old_one_was(recording: Path, tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.write("waist")
    with service.running(), playing(recording, service, tmp_path):
        service.wait_for("READY=1")
        service.write("wrist")
        reload_at(service, 20)
        service.wait_for("READY=1")
        service.wait_for_log("went away")
        service.stop()
    said = lines(service.out.read_text())
    models = [one["model"].partition("@")[0] for one in said]
    first = models.index("wrist")
    assert first >= 20
    assert set(models[first:]) == {"wrist"}
    assert [one["state"] for one in said].count("warming_up") == 1
    steps = [b["end_s"] - a["end_s"] for a, b in itertools.pairwise(said[1:])]
    assert 0 < min(steps) <= max(steps) < 1.281


def test_settings_that_cannot_be_used_change_nothing(recording: Path, tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.write("waist")
    with service.running(), playing(recording, service, tmp_path):
        service.wait_for("READY=1")
        for bad, words in (
            ('model = "waist"\nspeed = 3\n', "unknown key speed"),
            (service.settings.read_text().replace("waist", "none"), "there is no model none"),
            (service.settings.read_text() + '[sinks]\nsqlite = "/none/d.db"\n', "/none"),
        ):
            service.settings.write_text(bad)
            service.process.send_signal(signal.SIGHUP)
            assert words in service.wait_for("READY=1")
            assert words in service.wait_for("; since")
            service.write("waist")
        moved = service.settings.read_text().replace("serial:", "serial:/elsewhere")
        service.settings.write_text(moved)
        service.process.send_signal(signal.SIGHUP)
        assert "source will change at a restart" in service.wait_for("READY=1")
        service.wait_for_log("went away")
        service.stop()
    said = lines(service.out.read_text())
    offline = lines(edgehar("classify", tmp_path / "sent.csv", "--model", "waist").stdout)
    assert [{**d, "time": None} for d in said] == offline


def test_why_it_ends_is_told_in_one_line(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.settings.write_text('[source]\nuri = "usb:1"\n')
    with service.running():
        said = service.wait_for("STATUS=")
        assert service.process.wait(timeout=20) == 2
    assert "edgehar.toml line 2: source.uri must be" in said
    assert len(said.splitlines()) == 1


def test_silence_feeds_the_watchdog_only_once_it_is_said(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.write("waist")
    with service.running():
        service.wait_for("READY=1")
        service.wait_for("WATCHDOG=1")
        assert "no_data" in service.out.read_text()
        assert "no_data (silence); since 20" in service.wait_for("STATUS=")
        service.wait_for("WATCHDOG=1")
        service.wait_for("WATCHDOG=1")
        service.stop()
    assert len(lines(service.out.read_text())) == 1
