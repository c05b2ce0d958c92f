"""Receives the daemon's last Status and the last seconds of its samples."""

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
"""Rows of samples in memory: 10 s at the rate of the feed."""
_MOST_BYTES: Final = 256 * 1024
_MOST_ROWS: Final = 512


@dataclass(slots=True)
class Heard:
    """The messages so far. Readers must not change it."""

    status: dict[str, Any] | None = None
    status_s: float = float("-inf")
    """Monotonic time of its arrival."""
    rows: deque[list[float | None]] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Time, acceleration, angular rate."""
    count: int = 0
    """Number of all rows received."""
    ended: bool = False
    """The daemon has reported its end."""
    strange: int = 0
    """Number of invalid messages."""


class Receiver:
    """Listens in a separate thread."""

    def __init__(self, db: Path) -> None:
        """Listen at the socket beside the database; raises InputError if that fails."""
        self._path = socket_of(db)
        self._socket = _bound(self._path)
        self._heard = Heard()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="receiver", daemon=True)
        self._thread.start()

    def latest(self) -> tuple[dict[str, Any] | None, float, bool]:
        """Return the last Status, its age in seconds, and whether the daemon has ended since."""
        with self._lock:
            heard = self._heard
            return heard.status, time.monotonic() - heard.status_s, heard.ended

    def rows(self, after: int) -> tuple[int, list[list[float | None]]]:
        """Return the number of all rows received, and the rows after number `after`."""
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
    """Store the content of a datagram; count it if it is invalid."""
    try:
        content = json.loads(message, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        heard.strange += 1
    elif isinstance(status := content.get("status"), dict):
        heard.status, heard.status_s, heard.ended = status, now_s, False
    elif (rows := _rows(content.get("signals"))) is not None:
        if rows and heard.rows and _goes_back(heard.rows[-1][0], rows[0][0]):
            heard.rows.clear()  # the sensor's clock restarted
        heard.rows.extend(rows)
        heard.count += len(rows)
    elif content.get("end") is True:
        heard.ended = True
    else:
        heard.strange += 1


def _rows(rows: Any) -> list[list[float | None]] | None:
    valid = (
        isinstance(rows, list)
        and len(rows) <= _MOST_ROWS
        and all(isinstance(row, list) and len(row) == 7 for row in rows)
        and all(value is None or type(value) in {int, float} for row in rows for value in row)
    )
    return rows if valid else None


def _goes_back(before_s: float | None, after_s: float | None) -> bool:
    return before_s is not None and after_s is not None and after_s < before_s


def _bound(path: Path) -> socket.socket:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        _clear(path)
        before = os.umask(0o177)  # other users must not send to the dashboard
        try:
            receiver.bind(str(path))
        finally:
            os.umask(before)
    except BaseException as error:
        receiver.close()
        if isinstance(error, OSError):  # if the path is too long, it has no strerror
            why = error.strerror or error
            raise InputError(f"cannot listen to the daemon at {path}: {why}") from error
        raise
    return receiver


def _clear(path: Path) -> None:
    """Remove the socket of a killed dashboard. Raises InputError, OSError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise InputError(f"{path} is not a socket, but the dashboard needs this path; move it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise InputError(f"another dashboard listens at {path}; stop it first")
