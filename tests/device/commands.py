"""Runs the commands as a user does: each in a process of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from device.cli import PROGRAM


def edgehar(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
