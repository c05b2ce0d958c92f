"""Finds other programs that have a device open: two readers would each get a part of the data."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

_PTY_MAJORS: Final = range(136, 144)


def is_pty(status: os.stat_result) -> bool:
    """Return whether it is a pseudo-terminal, as of `edgehar play`, which has both ends open."""
    return os.major(status.st_rdev) in _PTY_MAJORS


def holders(status: os.stat_result, *, any_program: bool) -> tuple[str, ...]:
    """Return the names of processes that have a device open.

    Other programs may use other chips on a bus, so without `any_program` only edgehar counts. Then
    an edgehar process whose open files are hidden (another user's service) counts as a holder.
    """
    names: list[str] = []
    if is_pty(status):
        return ()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text("utf-8").strip()
            ours = name == "edgehar"
            if int(process.name) == os.getpid() or not (ours or any_program):
                continue
            if _has_open(process, status, if_hidden=ours and not any_program):
                names.append(f"{name} ({process.name})")
        except (OSError, UnicodeError):  # the process has just ended
            continue
    return tuple(sorted(names))


def _has_open(process: Path, status: os.stat_result, *, if_hidden: bool) -> bool:
    try:
        links = list((process / "fd").iterdir())
    except PermissionError:
        return if_hidden
    for link in links:
        with contextlib.suppress(OSError):  # just closed
            file = link.stat()
            if stat.S_ISCHR(file.st_mode) and file.st_rdev == status.st_rdev:
                return True
    return False
