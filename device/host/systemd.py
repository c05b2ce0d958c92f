"""Runs commands of systemd and reads their answers."""

import subprocess
from typing import Final

from firmware_bridge.errors import EdgeharError

_PATIENCE_S: Final = 10.0


def show(unit: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return properties of a unit by name; raises EdgeharError if systemd does not answer."""
    return properties(ask("systemctl", "show", unit, f"--property={','.join(names)}"))


def properties(answer: str) -> dict[str, str]:
    """Read lines of `NAME=VALUE`."""
    return dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)


def ask(*argv: str) -> str:
    """Return the output of a command of systemd; raises EdgeharError without output."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EdgeharError(f"cannot run {argv[0]}; this needs a board with systemd") from error
    if done.returncode and not done.stdout:
        why = " ".join(done.stderr.split())
        raise EdgeharError(f"systemd does not answer ({why}); this needs a board with systemd")
    return done.stdout
