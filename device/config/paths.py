"""The paths of settings and state: those of the service and those of a user."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware_bridge.errors import InputError

SETTINGS: Final = Path("/etc/edgehar.toml")
"""Settings of the service; other commands read them if there is no other file."""
STATE: Final = Path("/var/lib/edgehar")
"""Folder in which systemd lets the service keep state."""
VARIABLE: Final = "EDGEHAR_CONFIG"
"""Environment variable that names the settings file."""
DATABASE: Final = "decisions.db"
MOUNTING: Final = "orientation.json"
_BOOTED: Final = Path("/run/systemd/system")


def of_init() -> Path:
    """Return the file that `init` writes: the service's for root with systemd, else the user's.

    Raises InputError for a user without a home.
    """
    if os.geteuid() == 0 and _BOOTED.is_dir():
        return SETTINGS
    return user_settings()


def user_settings() -> Path:
    """Return the settings file of this user; raises InputError for a user without a home."""
    return _user_folder("XDG_CONFIG_HOME", ".config") / "edgehar.toml"


def find_settings(named: Path | None) -> Path | None:
    """Return the settings file that a command uses; None if there is none.

    The first of: the file that `--config` names, the one that $EDGEHAR_CONFIG names, this user's,
    the service's. If one of the first two is missing, `load` raises.
    """
    if named is not None:
        return named
    if variable := os.environ.get(VARIABLE):
        return Path(variable)
    places = [SETTINGS]
    with suppress(InputError):  # a user without a home
        places.insert(0, user_settings())
    return next((path for path in places if _is_there(path)), None)


def user_data() -> Path:
    """Return the folder of this user's database, state and models; raises InputError."""
    return _user_folder("XDG_DATA_HOME", ".local/share")


def state_directory() -> Path | None:
    """Return the folder in which systemd lets this process keep state; None without systemd."""
    folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(folder) if folder else None


def models_folder() -> Path:
    """Return the folder of the installed models: the service's, this user's, else root's."""
    if (state := state_directory()) is not None:
        return state / "models"
    if os.geteuid() or os.environ.get("XDG_DATA_HOME"):
        with suppress(InputError):  # a user without a home
            return user_data() / "models"
    return STATE / "models"


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # an unreadable file is an error; no other file replaces it
    return True


def _user_folder(variable: str, usual: str) -> Path:
    folder = os.environ.get(variable, "")
    if not Path(folder).is_absolute():  # then it counts as not set (XDG specification)
        try:
            folder = str(Path.home() / usual)
        except RuntimeError as error:
            raise InputError("this user has no home folder; set HOME") from error
    return Path(folder) / "edgehar"
