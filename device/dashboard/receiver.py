"""What the dashboard hears of the daemon: the last Status, the last seconds of samples."""

import contextlib
import json
import logging
import os
import socket
import stat
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from device.dashboard.socket_path import socket_of
from firmware_bridge.errors import InputError

log = logging.getLogger(__name__)

KEPT: Final = 250
"""Rows of samples: 10 s of what the daemon tells."""
_MOST_BYTES: Final = 256 * 1024
_MOST_ROWS: Final = 512


@dataclass(slots=True)
class Heard:
    """What came so far. Not to be changed by who gets it."""

    status: dict[str, Any] | None = None
    status_s: float = float("-inf")
    """When it came, monotonic."""
    rows: deque[list[float | None]] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Time, acceleration, rate."""
    count: int = 0
    """Of all rows that ever came."""
    ended: bool = False
    """The daemon said goodbye."""
    strange: int = 0
    """Messages that were none."""


class Receiver:
    """Listens in a thread of its own."""

    def __init__(self, db: Path) -> None:
        """Listen beside the database; raises InputError where that cannot be."""
        self._path = socket_of(db)
        self._socket = _bound(self._path)
        self._heard = Heard()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="receiver", daemon=True)
        self._thread.start()

    def latest(self) -> tuple[dict[str, Any] | None, float, bool]:
        """Return the last Status, its age in seconds, and whether the daemon said goodbye since."""
        with self._lock:
            heard = self._heard
            return heard.status, time.monotonic() - heard.status_s, heard.ended

    def rows(self, after: int) -> tuple[int, list[list[float | None]]]:
        """Return how many rows ever came, and those that came after number `after`."""
        with self._lock:
            new = self._heard.count - after
            rows = list(self._heard.rows)
            return self._heard.count, rows[-new:] if 0 < new < len(rows) else rows if new else []

    def close(self) -> None:
        """Stop listening."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=1.0)
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                message = self._socket.recv(_MOST_BYTES)
            except OSError:
                return
            if not message:  # closed
                return
            with self._lock:
                take(self._heard, message, time.monotonic())


def take(heard: Heard, message: bytes, now_s: float) -> None:
    """Take one datagram, whatever is in it."""
    try:
        found = json.loads(message, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        heard.strange += 1
    elif isinstance(status := found.get("status"), dict):
        heard.status, heard.status_s, heard.ended = status, now_s, False
    elif (rows := _rows(found.get("signals"))) is not None:
        if rows and heard.rows and _goes_back(heard.rows[-1][0], rows[0][0]):
            heard.rows.clear()  # another run's clock
        heard.rows.extend(rows)
        heard.count += len(rows)
    elif found.get("end") is True:
        heard.ended = True
    else:
        heard.strange += 1


def _rows(found: Any) -> list[list[float | None]] | None:
    fit = (
        isinstance(found, list)
        and len(found) <= _MOST_ROWS
        and all(isinstance(row, list) and len(row) == 7 for row in found)
        and all(value is None or type(value) in {int, float} for row in found for value in row)
    )
    return found if fit else None


def _goes_back(before_s: float | None, after_s: float | None) -> bool:
    return before_s is not None and after_s is not None and after_s < before_s


def _bound(path: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        _clear(path)
        before = os.umask(0o177)  # nobody else's user may tell tales
        try:
            found.bind(str(path))
        finally:
            os.umask(before)
    except OSError as error:
        found.close()
        why = error.strerror or error  # a path too long has no number
        raise InputError(f"cannot listen to the daemon at {path}: {why}") from error
    except BaseException:
        found.close()
        raise
    return found


def _clear(path: Path) -> None:
    """Remove what a dashboard left that was killed. Raises InputError, OSError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise InputError(f"{path} is in the way of the dashboard's socket; move it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise InputError(f"another dashboard listens at {path}; stop that one first")
