"""Checks that the service can run this installation: the service sees no home, and is not root."""

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
    "install it where a service may read: sudo python3 -m venv /opt/edgehar && "
    "sudo /opt/edgehar/bin/pip install . (in edgehar's folder)"
)


def program() -> str:
    """Return how the service starts this installation; raises InputError if it cannot."""
    found = (Path(sys.executable), Path(sys.executable).resolve(), Path(__file__).resolve(),
             Path(sysconfig.get_path("purelib")))  # fmt: skip
    for path in found:
        if hidden(path):
            raise InputError(f"edgehar needs {path}, which no service sees; {_ELSEWHERE}")
        if not readable(path):
            raise InputError(f"edgehar needs {path}, which only some may read; {_ELSEWHERE}")
    command = Path(sys.executable).with_name("edgehar")
    if command.is_file():
        return str(plain(command))
    return f'{plain(found[0])} -c "from device.cli import main; main()"'


def plain(path: Path) -> Path:
    """Return a path that needs no quotes in a unit; raises InputError for others."""
    if not path.is_absolute() or not _PLAIN.fullmatch(str(path)):
        raise InputError(f"{path}: a service needs the whole path, without spaces or signs in it")
    return path


def hidden(path: Path) -> bool:
    """Say whether a service is kept from seeing a file."""
    return any(path.is_relative_to(folder) for folder in HIDDEN)


def readable(path: Path) -> bool:
    """Say whether all users may read a file and go through the folders above it."""
    folders: Iterable[Path] = [path, *path.parents] if path.is_dir() else path.parents
    through = all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
    return through and bool(path.stat().st_mode & stat.S_IROTH)
