"""Reports the daemon's readiness, status and progress to systemd.

By the protocol of sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names.
"""

import logging
import os
import socket
import time
from typing import Final, Self

from device.decision.decision import Decision
from device.sinks.status import Status

log = logging.getLogger(__name__)

_LONGEST: Final = 400
_PATIENCE_S: Final = 1.0
"""Longest wait for a busy systemd."""


class Notifier:
    """Sends reports to systemd. It is the last sink, so that a decision here is progress."""

    name = "systemd"

    def __init__(self, address: str) -> None:
        """Take the socket's address: a path, or `@` and a name in the kernel's own space."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._reported: tuple[str, str | None] | None = None
        self._silent_at: int | None = None
        self.note = ""
        """Appended to each status line."""

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return None if $NOTIFY_SOCKET names no socket, as by hand."""
        address = os.environ.get("NOTIFY_SOCKET", "")
        return cls(address) if address.startswith(("/", "@")) else None

    def ready(self, words: str) -> None:
        """Report that the daemon works, or works again after `reloading`."""
        self._send("READY=1", f"STATUS={_line(words + self.note)}")

    def reloading(self) -> None:
        """Report that the daemon reads its settings again."""
        self._reported = None
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}")

    def stopping(self) -> None:
        """Report that the daemon is about to end."""
        self._send("STOPPING=1", "STATUS=stopping")

    def failed(self, words: str) -> None:
        """Report in one line why the daemon ends; `systemctl status` shows it from then on."""
        self._send(f"STATUS={_line(words)}")

    def write(self, decision: Decision) -> None:
        """Feed the watchdog, and report the decision if it differs from the last one."""
        self._silent_at = None
        self._send("WATCHDOG=1")
        now = (decision.state, decision.activity)
        if now != self._reported:
            self._reported = now
            self._send(f"STATUS={_line(f'{_in_words(decision)}{self.note}')}")

    def status(self, status: Status) -> None:
        """Feed the watchdog while the latest decision is `no_data` and no sample has come since."""
        if status.decision is None or status.decision.state != "no_data":
            return
        samples = status.pipeline.get("samples", 0)
        if self._silent_at is None:
            self._silent_at = samples
        if samples == self._silent_at:
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Do nothing: `stopping` comes after this."""

    def _send(self, *lines: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_PATIENCE_S)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.warning("cannot reach systemd's notify socket: %s", error)


def _line(words: str) -> str:
    return " ".join(words.split())[:_LONGEST]


def _in_words(decision: Decision) -> str:
    text = decision.activity or decision.state
    if decision.activity is not None and decision.confidence is not None:
        text += f", {100 * decision.confidence:.0f} % sure"
    elif decision.reason is not None:
        text += f" ({decision.reason})"
    return text if decision.time is None else f"{text}; since {decision.time}"
