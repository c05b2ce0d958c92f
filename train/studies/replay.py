"""Plays recordings through a virtual serial line into a running daemon, like a user."""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import PROGRAM
from firmware_bridge.errors import EdgeharError
from firmware_bridge.recording import RecordingWriter
from train.datasets.hapt import Recording

PATIENCE_S = 120
"""Time limit of each command."""
SETTLE_S = 0.5
"""Time between the end of playing and the signal that ends the daemon."""

Decision = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The results of one recording."""

    live: list[Decision]
    """The daemon's decisions."""
    offline: list[Decision]
    """Decisions of `classify` on the samples that the player sent."""
    player: dict[str, Any]
    """The player's report."""
    daemon: dict[str, Any]
    """The daemon's report."""
    log: str
    """The daemon's standard error."""
    seconds: float
    """Duration of playing."""


def replay(
    recording: Recording, folder: Path, *, model: str = "waist", play: tuple[str, ...] = ()
) -> Replayed:
    """Play one recording through a virtual serial line; `play` adds options of the player.

    Files are written to the empty `folder`. Raises EdgeharError, with the stderr of the command,
    if a command fails.
    """
    source, saved, port = folder / "recording.csv", folder / "sent.csv", folder / "port"
    reports = {name: folder / f"{name}.json" for name in ("player", "daemon")}
    decisions, log = folder / "decisions.jsonl", folder / "daemon.log"
    settings = folder / "edgehar.toml"
    with RecordingWriter(source) as writer:
        writer.write(recording.samples)
    with decisions.open("wb") as out, log.open("wb") as err:
        settings.touch()  # empty, so that the settings of this machine have no effect
        run = ["run", "--config", str(settings), "--source", f"serial:{port}", "--model", model]
        daemon = subprocess.Popen(
            [*PROGRAM, *run, "--report", str(reports["daemon"])], stdout=out, stderr=err
        )
        try:
            started = time.monotonic()
            line = ["--link", str(port), "--save", str(saved), "--report", str(reports["player"])]
            _finish("play", str(source), *line, "--speed", "max", *play)
            seconds = time.monotonic() - started
            time.sleep(SETTLE_S)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE_S)
    stderr = log.read_text()
    if daemon.returncode:
        raise EdgeharError(f"edgehar run failed on {port}: {stderr.strip()[-500:]}")
    return Replayed(
        live=_lines(decisions.read_text()),
        offline=_lines(_finish("classify", str(saved), "--model", model)),
        player=json.loads(reports["player"].read_text()),
        daemon=json.loads(reports["daemon"].read_text()),
        log=stderr,
        seconds=seconds,
    )


def _finish(*arguments: str) -> str:
    done = subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode:
        raise EdgeharError(f"edgehar {arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _lines(text: str) -> list[Decision]:
    return [json.loads(line) for line in text.splitlines()]


def without_time(decisions: list[Decision]) -> list[Decision]:
    """Return the decisions without their date, because a recording has no date."""
    return [{**decision, "time": None} for decision in decisions]
