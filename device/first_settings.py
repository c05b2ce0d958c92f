"""The settings of a sensor that is set up for the first time: where they go, what they say."""

import json
import os
from pathlib import Path
from typing import Final

from device.model import durable
from device.service import unit
from device.service.place import SETTINGS
from firmware_bridge import whole_file
from firmware_bridge.errors import InputError

_BOOTED: Final = Path("/run/systemd/system")
_ABOUT: Final = "# Made by `edgehar init`; what else can be set: docs/CONFIG.md\n"


def place() -> Path:
    """Return where the settings of this user go; root's, with systemd, are the service's.

    Raises InputError for a user without a home.
    """
    if os.geteuid() == 0 and _BOOTED.is_dir():
        return SETTINGS
    return _of_user("XDG_CONFIG_HOME", ".config") / "edgehar.toml"


def text(source: str, model: str | None, path: Path) -> str:
    """Return the settings for a source and a model (None: the active one). Raises InputError."""
    if path == SETTINGS:
        return _ABOUT + unit.settings(source, model)
    data = _data()
    named = f"model = {_quoted(model)}\n" if model else ""
    return (
        f"{_ABOUT}{named}\n[source]\nuri = {_quoted(source)}\n\n"
        f"[sinks]\nsqlite = {_quoted(data / 'decisions.db')}\n\n"
        "[state]  # how the sensor sits, once it is known, for the next start\n"
        f"file = {_quoted(data / 'orientation.json')}\n"
    )


def write(path: Path, content: str) -> None:
    """Write the settings whole, and make the folders that they need; raises InputError.

    What was at `path` before is kept beside it, as `earlier` says.
    """
    try:
        durable.make_folder(path.absolute().parent)
        if path != SETTINGS and not (data := _data()).is_dir():
            durable.make_folder(data)
            data.chmod(0o700)  # what is recorded says how somebody lives
        if path.exists():
            whole_file.write(earlier(path), path.read_bytes(), 0o644)
        whole_file.write(path, content.encode(), 0o644)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}; name another: --config"
        ) from error


def earlier(path: Path) -> Path:
    """Return where settings that are replaced are kept."""
    return path.with_name(f"{path.name}.old")


def _data() -> Path:
    return _of_user("XDG_DATA_HOME", ".local/share")


def _of_user(variable: str, usual: str) -> Path:
    folder = os.environ.get(variable, "")
    if not Path(folder).is_absolute():  # the XDG specification: then it counts as not set
        try:
            folder = str(Path.home() / usual)
        except RuntimeError as error:
            raise InputError("this user has no home folder; set HOME") from error
    return Path(folder) / "edgehar"


def _quoted(value: str | Path) -> str:
    # A string of JSON is one of TOML, but for what parse_source and paths have none of.
    return json.dumps(str(value), ensure_ascii=False)
