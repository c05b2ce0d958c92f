"""Runs commands of the pages in a folder with the files and sensors that they need."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import wearer
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.simulator.wearer import Wearer
from tests.device.history.made_up import Host, at, spend_all
from tests.device.history.made_up import Wearer as Recorded
from tests.device.labels.made_up import keep_latest
from tests.device.model.bundles import sha256, variant
from tests.device.still_life import UP, handled, positions
from tests.docs.pages import ROOT
from tests.ports import free_port
from tests.waiting import wait_for

SETTINGS = """\
[source]
uri = "serial:{here}/ttyUSB0"
[sinks]
sqlite = "{here}/var/lib/edgehar/decisions.db"
[labels]
folder = "{here}/var/lib/edgehar/labels"
[dashboard]
token_file = "{here}/etc/edgehar/token"
"""
PATIENCE_S = 60.0
TRAINING_S = 1200.0
LIVE = re.compile(r"edgehar (run|record|calibrate|dashboard|play|doctor)\b")
"""Commands that run until they are stopped, or that need a sensor."""
TRAINING = re.compile(r"edgehar (train|evaluate|convert)\b")


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a command."""

    code: int
    out: str
    log: str


def _minutes_ago(minutes: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() - 60 * minutes))


class Scratch:
    """A folder with the files that a reader of the pages may have."""

    def __init__(self, here: Path) -> None:
        self.here = here
        self.data = here
        """The folder of the publishers' archives."""
        self._out, self._log = here / "tmp/out", here / "tmp/log"
        self._listen = f"127.0.0.1:{free_port()}"
        for folder in ("bin", "etc/edgehar", "var/lib/edgehar", "tmp"):
            (here / folder).mkdir(parents=True)
        edgehar = f'exec {sys.executable} -c "{PROGRAM[2]}" "$@"'
        for program, script in (("edgehar", edgehar), ("sudo", 'exec "$@"')):
            (executable := here / "bin" / program).write_text(f"#!/bin/sh\n{script}\n")
            executable.chmod(0o755)
        walk, labels = Wearer(seed=3).samples([("walking", 40.0), ("sitting", 40.0)])
        self._write("recording.csv", walk, labels)
        self._write("evening.csv.gz", walk[:400])
        self._write("played/wearer.csv", walk)
        self._write("played/six.csv", positions(list(UP.values())))
        self._write("played/rest.csv", positions([UP["+z"]], 12.0))
        self._write("played/handled.csv", handled())
        self._name = f"wrist@{sha256(variant(here / 'new.tflite', 0.55))[:8]}"
        shutil.copy(here / "new.tflite", here / "mine.tflite")
        (here / "examples").symlink_to(ROOT / "examples")
        (token := here / "etc/edgehar/token").write_text("0123456789abcdef")
        token.chmod(0o600)
        recorded = Recorded(Host("a", 1e4, at("2026-11-21T13:00:00")), self.database)
        spend_all(recorded, [("walking", 30), ("sitting", 60), ("silent", 5), ("mounting", 5)])
        recorded.kill()
        shutil.copy(self.database, here / "decisions.db")
        keep_latest(here / "var/lib/edgehar/labels", 600)

    @property
    def database(self) -> Path:
        return self.here / "var/lib/edgehar/decisions.db"

    def rewritten(self, command: str) -> str:
        """Return a command of a page with the paths of this folder."""
        for old, new in (
            (r"(\.venv|/opt/edgehar)/bin/edgehar\b", "edgehar"),
            (r"/dev/ttyUSB0|/etc/|/var/lib/edgehar|/tmp/", rf"{self.here}\g<0>"),
            (r"/dev/ttyUSB0", "/ttyUSB0"),
            (r"wrist@1a2b3c4d", self._name),
            (r"edgehar (report day|history)\b", rf"\g<0> --db {self.database}"),
            (r" -g edgehar\b", ""),
            (r"--data DIR\b", f"--data {self.data}"),
            (r"edgehar train\b", r"\g<0> --epochs 1"),
            # The int8 form of a network after one epoch may be refused.
            (r"edgehar convert\b", r"\g<0> --form float32"),
            (r"--from 14:05 --to 14:20", f"--from {_minutes_ago(4)} --to {_minutes_ago(2)}"),
            (r"label --remove 3", "label --remove 1"),
            (r"edgehar label\b", rf"\g<0> --config {self.here}/etc/edgehar.toml"),
            (r"~/", f"{self.here}/home/"),
            (r"edgehar dashboard\b", rf"\g<0> --listen {self._listen}"),
        ):
            command = re.sub(old, new, command)
        return command

    def run(self, command: str) -> Done:
        """Run a command to its end, or until its output shows that it works."""
        self._write_settings()  # a page's last command removes them
        command = self.rewritten(command)
        if match := re.search(r"edgehar record .*--out (\S+)", command):
            (self.here / match[1]).unlink(missing_ok=True)  # it replaces no recording
        patience_s = TRAINING_S if TRAINING.search(command) else PATIENCE_S
        shell = ["bash", "-euo", "pipefail", "-c", command]
        with (
            self._sensor(command) as env,
            self._out.open("w") as out,
            self._log.open("w") as log,
            subprocess.Popen(
                shell, cwd=self.here, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=log
            ) as process,
        ):
            try:
                wait_for(
                    lambda: process.poll() is not None or self._works(command), command, patience_s
                )
                process.send_signal(signal.SIGTERM)
                code = process.wait(PATIENCE_S)
            finally:
                process.kill()
        return Done(code, self._out.read_text(), self._log.read_text())

    def _works(self, command: str) -> bool:
        """Return whether a command that runs for ever has shown that it works."""
        out, log = self._out.read_text(), self._log.read_text()
        if " run " in command and "--source recording:" not in command:
            return '"probabilities": {' in out  # of a window
        if " dashboard " in command:
            return f"http://{self._listen}" in log + out
        match = re.search(r" record .*--out (\S+)", command)
        if match is None:
            return False
        return (self.here / f"{match[1]}.part").exists() and "listening" in log

    @contextmanager
    def _sensor(self, command: str) -> Iterator[dict[str, str]]:
        """Provide the counterpart of a command: a device, a chip, a reader."""
        environment = os.environ | {
            "PATH": f"{self.here}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_DATA_HOME": str(self.here / "data"),
            "STATE_DIRECTORY": "",
        }
        if "i2c:" in command:
            chip = Chip(wearer(Wearer(seed=3)), now_us=monotonic_us())
            with I2cShim(Bus({0x68: chip})) as shim:
                yield environment | shim.environment
            return
        beside = None
        link = self.here / "ttyUSB0"
        if str(link) in command or "edgehar run --config" in command:
            name, speed = "wearer", "10"
            if "calibrate" in command:
                name, speed = ("rest" if "--rest-only" in command else "six"), "max"
            if "doctor" in command:
                name, speed = "handled", "1"
            recording = self.here / "played" / f"{name}.csv"
            beside = [*PROGRAM, "play", str(recording), "--link", str(link), "--speed", speed]
        if match := re.search(r"play .*--link (\S+)", command):
            beside = [*PROGRAM, "run", "--source", f"serial:{match[1]}"]
        if beside is None:
            yield environment
            return
        link.unlink(missing_ok=True)  # a killed player leaves its link
        with subprocess.Popen(
            beside, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as other:
            try:
                if "play" in beside:
                    wait_for(link.is_symlink, "a player")
                yield environment
            finally:
                other.kill()

    def _write_settings(self) -> None:
        home = self.here / "home/.config/edgehar"
        for folder in (home, self.here / "home/.local/share/edgehar"):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.here, self.here / "etc", home):
            (folder / "edgehar.toml").write_text(SETTINGS.format(here=self.here))

    def _write(self, name: str, samples: Samples, labels: list[str] | None = None) -> None:
        path = self.here / name
        path.parent.mkdir(exist_ok=True)
        with RecordingWriter(path) as writer:
            writer.write(samples, labels)
