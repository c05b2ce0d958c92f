"""Checks that the service can run this installation: it cannot read home folders."""

import re
import stat
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from firmware_bridge.errors import InputError

HIDDEN: Final = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108 -- refused
"""The folders that ProtectHome and PrivateTmp hide from the service."""
_PLAIN: Final = re.compile(r"[\w/.+@-]+", re.ASCII)
_ELSEWHERE: Final = (
    "install it in a folder that every user can read: sudo python3 -m venv /opt/edgehar && "
    "sudo /opt/edgehar/bin/pip install . (in edgehar's folder)"
)


def program() -> str:
    """Return the command by which the service starts edgehar; raises InputError if it cannot."""
    python = Path(sys.executable)
    packages = Path(sysconfig.get_path("purelib"))
    for path in (python, python.resolve(), Path(__file__).resolve(), packages):
        if hidden(path):
            raise InputError(
                f"{path} is hidden from systemd services (ProtectHome, PrivateTmp); {_ELSEWHERE}"
            )
        if not readable(path):
            raise InputError(f"{path} is not readable for every user; {_ELSEWHERE}")
    command = python.with_name("edgehar")
    if command.is_file():
        return str(plain(command))
    return f'{plain(python)} -c "from device.cli import main; main()"'


def plain(path: Path) -> Path:
    """Return a path that needs no quotes in a unit; raises InputError for others."""
    if not path.is_absolute() or not _PLAIN.fullmatch(str(path)):
        raise InputError(f"{path}: a service needs an absolute path of letters, digits and ._@+-")
    return path


def hidden(path: Path) -> bool:
    """Return whether systemd hides a file from the service."""
    return any(path.is_relative_to(folder) for folder in HIDDEN)


def readable(path: Path) -> bool:
    """Return whether all users may read a file and enter the folders above it."""
    folders: Iterable[Path] = [path, *path.parents] if path.is_dir() else path.parents
    through = all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
    return through and bool(path.stat().st_mode & stat.S_IROTH)
