"""The daemon's reports to the dashboard: datagrams to a Unix socket, if a dashboard listens.

Nothing waits and nothing is kept for later: what the dashboard does not take in time is lost.
"""

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from device.dashboard.socket_path import socket_of
from device.decision.decision import Decision
from device.sinks.status import Status
from firmware_bridge.samples import Float64, Samples

SHOWN_HZ: Final = 25.0
"""The rate that a screen can show; samples are averaged down to about this rate."""
EVERY_S: Final = 0.2
MOST: Final = 512
"""Samples in one datagram, however fast a recording is read."""


class Feed:
    """A sink that sends the status and the samples to a dashboard, if one runs."""

    def __init__(self, db: Path) -> None:
        path = socket_of(db)
        self.name = f"dashboard {path}"
        self._path = str(path)
        self._socket: socket.socket | None = None
        self._held = _NO_ROWS
        self._due_s = float("-inf")

    def write(self, decision: Decision) -> None:
        """Leave it to `status`, which has the latest."""

    def status(self, status: Status) -> None:
        """Send the status, and find out whether a dashboard has started."""
        if self._socket is None:
            self._connect()
        self._send({"status": asdict(status)})

    def see(self, block: Samples) -> None:
        """Send samples, a few times a second."""
        if self._socket is None or not len(block):
            return
        part = block[-MOST:]
        rows = np.column_stack((part.t_s, part.acc_g, part.gyro_rad_s))
        self._held = np.concatenate((self._held, rows))[-MOST:]
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        shown, self._held = thinned(self._held)
        self._send({"signals": shown.round(3).tolist()})

    def close(self) -> None:
        """Tell the dashboard that the daemon stops."""
        self._send({"end": True})
        self._let_go()

    def _connect(self) -> None:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            found.connect(self._path)
        except OSError:  # nobody there, or the path is too long for anybody to be
            found.close()
            return
        self._socket, self._held = found, _NO_ROWS

    def _send(self, message: Mapping[str, object]) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(json.dumps(message).encode())
        except BlockingIOError:  # it is busy
            pass
        except OSError:  # it is gone
            self._let_go()

    def _let_go(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


_NO_ROWS: Final = np.empty((0, 7))


def thinned(rows: Float64) -> tuple[Float64, Float64]:
    """Return means of neighbours, about SHOWN_HZ of them, and the rows left over for next time.

    Rows (n, 7) are time, acceleration and rate.
    """
    if len(rows) < 2:
        return _NO_ROWS, rows
    step_s = float(np.median(np.diff(rows[:, 0])))
    together = round(1 / (SHOWN_HZ * step_s)) if step_s > 1e-6 else 1
    together = min(max(together, 1), len(rows))
    whole = len(rows) // together * together
    return rows[:whole].reshape(-1, together, 7).mean(axis=1), rows[whole:]
