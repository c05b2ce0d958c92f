"""Locks between processes, held until the descriptor is closed."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Lock a file; waits until no other process has the lock. Raises OSError."""
    descriptor = lock(path, wait=True)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock(path: Path, *, wait: bool) -> int | None:
    """Lock a file until the returned descriptor is closed; None if another process has the lock.

    Raises OSError.
    """
    descriptor = os.open(path, _LOCK, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
