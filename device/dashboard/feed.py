"""Sends the daemon's status and samples to a dashboard, as datagrams to a Unix socket.

The daemon never waits: datagrams that the dashboard does not read in time are lost.
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
"""Rate of samples on the page; samples are averaged down to about this rate."""
EVERY_S: Final = 0.2
MOST: Final = 512
"""Largest number of samples in one datagram, even if a recording is read fast."""


class Feed:
    """A sink that sends the status and the samples to a dashboard, if it runs."""

    def __init__(self, db: Path) -> None:
        path = socket_of(db)
        self.name = f"dashboard {path}"
        self._path = str(path)
        self._socket: socket.socket | None = None
        self._pending = _NO_ROWS
        self._due_s = float("-inf")

    def write(self, decision: Decision) -> None:
        """Ignore the decision: the Status has the latest."""

    def status(self, status: Status) -> None:
        """Send the status; connect first if a dashboard has started."""
        if self._socket is None:
            self._connect()
        self._send({"status": asdict(status)})

    def see(self, block: Samples) -> None:
        """Send samples, a few times a second."""
        if self._socket is None or not len(block):
            return
        part = block[-MOST:]
        rows = np.column_stack((part.t_s, part.acc_g, part.gyro_rad_s))
        self._pending = np.concatenate((self._pending, rows))[-MOST:]
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        shown, self._pending = thinned(self._pending)
        self._send({"signals": shown.round(3).tolist()})

    def close(self) -> None:
        """Tell the dashboard that the daemon stops."""
        self._send({"end": True})
        self._disconnect()

    def _connect(self) -> None:
        feed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            feed.connect(self._path)
        except OSError:  # no dashboard listens, or the path is too long for a socket
            feed.close()
            return
        self._socket, self._pending = feed, _NO_ROWS

    def _send(self, message: Mapping[str, object]) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(json.dumps(message).encode())
        except BlockingIOError:  # the dashboard is busy
            pass
        except OSError:  # the dashboard has ended
            self._disconnect()

    def _disconnect(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


_NO_ROWS: Final = np.empty((0, 7))


def thinned(rows: Float64) -> tuple[Float64, Float64]:
    """Average neighbouring rows to about SHOWN_HZ; also return the rows that are left over.

    Rows (n, 7) are time, acceleration and angular rate.
    """
    if len(rows) < 2:
        return _NO_ROWS, rows
    step_s = float(np.median(np.diff(rows[:, 0])))
    together = round(1 / (SHOWN_HZ * step_s)) if step_s > 1e-6 else 1
    together = min(max(together, 1), len(rows))
    whole = len(rows) // together * together
    return rows[:whole].reshape(-1, together, 7).mean(axis=1), rows[whole:]
