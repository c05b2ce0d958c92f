"""The commit and the package versions that made a result."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

TOOLS = ("edgehar", "keras", "numpy", "tensorflow")


def provenance() -> dict[str, Any]:
    """Return the commit (None outside a checkout) and the versions of TOOLS."""
    return {"commit": _commit(), "tools": {tool: _version(tool) for tool in TOOLS}}


def _commit() -> dict[str, Any] | None:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607  git is where the user's PATH has it
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        return {
            "id": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(tool: str) -> str | None:
    try:
        return version(tool)
    except PackageNotFoundError:
        return None
