"""Folders, bounded reads and locks of files that outlast a power cut."""

import errno
import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from firmware_bridge.whole_file import sync_folder

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOCK: Final = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def make_folder(path: Path) -> None:
    """Make the folder and those above it, each on the disk; raises OSError.

    Root's new folders belong to whoever owns the one above: the daemon must be able to write there.
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


def read(path: Path, most_bytes: int) -> bytes:
    """Return a plain file's bytes; raises OSError, also if it is none or longer."""
    # Without O_NONBLOCK a pipe put there would hold us for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a file")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Wait for, and hold, what only one process at a time may do; raises OSError."""
    descriptor = lock(path, wait=True)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock(path: Path, *, wait: bool) -> int | None:
    """Return a descriptor that holds the lock until it is closed, by whatever death; None if taken.

    Raises OSError.
    """
    descriptor = os.open(path, _LOCK, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
