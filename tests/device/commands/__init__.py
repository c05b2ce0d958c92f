"""Runs the commands as a user does."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from device.cli import PROGRAM, main
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples

Call = Callable[..., tuple[int, str, str]]


def edgehar(*arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **how)


def called(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code, output and error output."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, out, err


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def written(path: Path, samples: Samples) -> Path:
    with RecordingWriter(path) as writer:
        writer.write(samples)
    return path


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "edgehar.toml"
    path.write_text(text)
    return path


@contextmanager
def playing(recording: Path, port: Path, *options: str, to_the_end: bool = False) -> Iterator[None]:
    """Play a recording on a virtual port, which exists when this begins."""
    command = [*PROGRAM, "play", str(recording), "--link", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as player:
        assert player.stdout is not None
        player.stdout.readline()
        try:
            yield
            if to_the_end:
                player.wait(60)
        finally:
            player.kill()
