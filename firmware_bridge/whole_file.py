"""Writes files so that a power cut leaves the old file or the whole new file."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware_bridge.errors import InputError

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def write(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace the content of `path` in one step, and return when it is on the disk.

    `mode` sets the permissions whatever the umask is; None leaves them to the umask.
    Raises OSError; the file is then unchanged.
    """
    part = f"{path}.part"
    with suppress(FileNotFoundError):
        os.unlink(part)  # noqa: PTH108 -- left by a power cut, perhaps owned by another user
    descriptor = os.open(part, _NEW, 0o666 if mode is None else mode)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, path)  # noqa: PTH105 -- the power-cut tests record the calls of `os`
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write as `write` does; raises InputError if the file cannot be written."""
    try:
        write(path, content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; give another name") from error


def write_json(path: Path, value: object) -> None:
    """Write indented JSON as `write_whole` does; raises InputError."""
    write_whole(path, (json.dumps(value, indent=1) + "\n").encode())


def make_folder(path: Path) -> None:
    """Create the folder and its parents, each on the disk; raises OSError.

    A folder that root creates gets the owner of its parent, so that the daemon can write there.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):
        os.mkdir(path, 0o755)  # noqa: PTH102
    above = os.stat(path.parent)  # noqa: PTH116
    if os.geteuid() == 0 != above.st_uid:
        descriptor = os.open(path, _FOLDER | os.O_NOFOLLOW)
        try:
            os.fchown(descriptor, above.st_uid, above.st_gid)
        finally:
            os.close(descriptor)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; raises OSError."""
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
