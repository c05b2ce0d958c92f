"""Small files that outlast a power cut: what a call has written is on the disk when it returns.

`write_whole` makes a file whole; this also orders it against the files that name it, and minds that
root may write into a folder of the daemon's user, who must then be able to go on.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOCK: Final = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Give `path` this content in one step that is on the disk at the end.

    Raises OSError; the file is then what it was.
    """
    part = str(path) + ".part"
    with suppress(FileNotFoundError):
        os.unlink(part)  # noqa: PTH108 -- left by a cut, perhaps of another owner
    descriptor = os.open(part, _NEW, mode)
    try:
        # Whatever the umask of who installs: the daemon's user must be able to read it.
        os.fchmod(descriptor, mode)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, path)  # noqa: PTH105 -- one family of calls
    _sync(path.parent)


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
    _sync(path.parent)


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


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
