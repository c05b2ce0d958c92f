"""The first settings, which `init` and `service install` write."""

import json
from pathlib import Path
from typing import Final

from device.config import paths
from firmware_bridge import whole_file
from firmware_bridge.errors import InputError

_ABOUT: Final = "# Made by `edgehar init`; what else can be set: docs/CONFIG.md\n"


def text(source: str, model: str | None, path: Path) -> str:
    """Return the settings for a source and a model (None: the active one). Raises InputError."""
    if path == paths.SETTINGS:
        return _ABOUT + of_service(source, model)
    data = paths.user_data()
    named = f"model = {_quoted(model)}\n" if model else ""
    return (
        f"{_ABOUT}{named}\n[source]\nuri = {_quoted(source)}\n\n"
        f"[sinks]\nsqlite = {_quoted(data / paths.DATABASE)}\n\n"
        "[state]  # the estimated mounting, for the next start\n"
        f"file = {_quoted(data / paths.MOUNTING)}\n"
    )


def of_service(source: str, model: str | None = None) -> str:
    """Return the service's settings for a source and a model (None: the active one)."""
    named = f"model = {_quoted(model)}\n\n" if model else ""
    return named + (
        f"[source]\nuri = {_quoted(source)}\n\n"
        "[sinks]\n"
        "stdout = false  # true writes every decision to the journal too\n"
        f"sqlite = {_quoted(paths.STATE / paths.DATABASE)}\n\n"
        f"[models]\nfolder = {_quoted(paths.STATE / 'models')}\n"
    )


def write(path: Path, content: str) -> None:
    """Write the settings in one step, and create their folders; raises InputError.

    A file that exists at `path` is kept as `earlier(path)`.
    """
    try:
        whole_file.make_folder(path.absolute().parent)
        if path != paths.SETTINGS and not (data := paths.user_data()).is_dir():
            whole_file.make_folder(data)
            data.chmod(0o700)  # the history is private
        if path.exists():
            whole_file.write(earlier(path), path.read_bytes(), 0o644)
        whole_file.write(path, content.encode(), 0o644)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}; name another: --config"
        ) from error


def earlier(path: Path) -> Path:
    """Return the path of the settings that were replaced."""
    return path.with_name(f"{path.name}.old")


def _quoted(value: str | Path) -> str:
    # A JSON string is a TOML string, except for characters that sources and paths do not have.
    return json.dumps(str(value), ensure_ascii=False)
