"""What the daemon tells systemd: that it is ready, how it is, and that it makes progress.

The protocol of sd_notify(3): a datagram to the socket named in the environment. Without one, as
when started by hand, there is nobody to tell.
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
"""With a systemd that does not listen just now."""


class Notifier:
    """The way to systemd; a sink too, so that only what gets this far counts as progress."""

    name = "systemd"

    def __init__(self, address: str) -> None:
        """Take the socket's address: a path, or `@` and a name in the kernel's own space."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._said: tuple[str, str | None] | None = None
        self._silent_at: int | None = None
        self.note = ""
        """Said after whatever else there is to say, until it is changed."""

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return None where nobody wants to be told."""
        address = os.environ.get("NOTIFY_SOCKET", "")
        return cls(address) if address.startswith(("/", "@")) else None

    def ready(self, words: str) -> None:
        """Say that the daemon works, or works again after `reloading`."""
        self._send("READY=1", f"STATUS={_line(words + self.note)}")

    def reloading(self) -> None:
        """Say that the settings are being read again."""
        self._said = None
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}")

    def stopping(self) -> None:
        """Say that the daemon is about to end."""
        self._send("STOPPING=1", "STATUS=stopping")

    def failed(self, words: str) -> None:
        """Say in one line why the daemon ends; `systemctl status` shows it from then on."""
        self._send(f"STATUS={_line(words)}")

    def write(self, decision: Decision) -> None:
        """Take a decision: whatever it says, the daemon has made progress."""
        self._silent_at = None
        self._send("WATCHDOG=1")
        now = (decision.state, decision.activity)
        if now != self._said:
            self._said = now
            self._send(f"STATUS={_line(f'{_in_words(decision)}{self.note}')}")

    def status(self, status: Status) -> None:
        """Take a Status: to wait is progress only where `no_data` was said and still holds."""
        if status.decision is None or status.decision.state != "no_data":
            return
        samples = status.pipeline.get("samples", 0)
        if self._silent_at is None:
            self._silent_at = samples
        if samples == self._silent_at:
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Do nothing: there is more to say at the end."""

    def _send(self, *lines: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.settimeout(_PATIENCE_S)
                way.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.warning("systemd cannot be told: %s", error)


def _line(words: str) -> str:
    return " ".join(words.split())[:_LONGEST]


def _in_words(decision: Decision) -> str:
    what = decision.activity or decision.state
    if decision.activity is not None and decision.confidence is not None:
        what += f", {100 * decision.confidence:.0f} % sure"
    elif decision.reason is not None:
        what += f" ({decision.reason})"
    return what if decision.time is None else f"{what}; since {decision.time}"
