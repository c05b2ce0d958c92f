"""The device's end of a serial line: a pty that looks like a port being plugged, or a real port."""

import array
import errno
import fcntl
import os
import select
import termios
import time
import tty
from pathlib import Path

from firmware_bridge.errors import EdgeharError, InputError

PATIENCE_S = 30.0
"""A reader that takes nothing for so long is not there."""
BAUD = termios.B115200

_QUIET_CHECKS = 5
_QUIET_S = 0.02


class LineError(EdgeharError):
    """The line broke, or nobody reads it."""


class PtyLine:
    """A pseudo-terminal; `path` is what a reader opens. Plugged anew it has another path.

    With `link`, a symbolic link of that name leads to it while it is plugged in.
    """

    waits_for_reader = True
    """Opening a port throws away what was sent before: so send nothing before."""

    def __init__(self, link: Path | None = None) -> None:
        if link is not None and link.exists() and not link.is_symlink():
            raise InputError(f"{link} exists and is no link: choose another name for the pty")
        self._link = link
        self._master = self._slave = -1
        self.path = Path()

    def plug(self) -> None:
        """Make the port appear. Raises LineError."""
        try:
            self._master, self._slave = os.openpty()
            # Held open here, so that what waits in it can be counted and outlives its reader.
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self.path = Path(os.ttyname(self._slave))
            if self._link is not None:
                part = self._link.with_name(self._link.name + ".part")
                part.unlink(missing_ok=True)
                part.symlink_to(self.path)
                part.replace(self._link)
                self.path = self._link
        except OSError as error:
            self.unplug()
            raise LineError(f"no pty {self._link or ''}: {error.strerror}") from error

    def unplug(self) -> None:
        """Make the port vanish; a reader gets an error or an end of file."""
        if self._master >= 0:
            if self._link is not None:
                self._link.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Return what the reader has sent, waiting at most so long for it."""
        return _read(self._master, timeout_s)

    def write(self, data: bytes) -> None:
        """Send. Raises LineError if nobody takes it."""
        _write(self._master, data, self.path)

    def drain(self) -> None:
        """Wait until the reader has read all. Raises LineError if it stops reading."""
        waiting = array.array("i", [0])
        quiet, before, deadline = 0, -1, time.monotonic() + PATIENCE_S
        # Behind the bytes counted here the kernel may hold more: so zero must be seen to last.
        while quiet < _QUIET_CHECKS:
            fcntl.ioctl(self._slave, termios.FIONREAD, waiting)
            quiet = quiet + 1 if waiting[0] == 0 else 0
            if waiting[0] != before:
                before, deadline = waiting[0], time.monotonic() + PATIENCE_S
            elif time.monotonic() > deadline:
                raise LineError(f"nobody reads {self.path}: {waiting[0]} bytes wait in it")
            time.sleep(_QUIET_S)


class PortLine:
    """A serial port, at 115200 baud, to whatever reads at the other end."""

    waits_for_reader = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._port = -1

    def plug(self) -> None:
        """Open the port. Raises InputError."""
        try:
            self._port = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            fcntl.flock(self._port, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tty.setraw(self._port)
            settings = termios.tcgetattr(self._port)
            settings[2] |= termios.CLOCAL | termios.CREAD
            settings[4] = settings[5] = BAUD
            termios.tcsetattr(self._port, termios.TCSANOW, settings)
        except (OSError, termios.error) as error:
            self.unplug()
            reason = "in use" if error.args[0] == errno.EWOULDBLOCK else error.args[1]
            raise InputError(f"{self.path} cannot be opened as a serial port: {reason}") from error

    def unplug(self) -> None:
        """Close the port."""
        if self._port >= 0:
            os.close(self._port)
            self._port = -1

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Return what has come in, waiting at most so long for it."""
        return _read(self._port, timeout_s)

    def write(self, data: bytes) -> None:
        """Send. Raises LineError if the port takes nothing."""
        _write(self._port, data, self.path)

    def drain(self) -> None:
        """Wait until all has gone out."""
        termios.tcdrain(self._port)


def _read(port: int, timeout_s: float) -> bytes:
    if port < 0:
        time.sleep(timeout_s)
        return b""
    try:
        if timeout_s > 0 and not select.select([port], [], [], timeout_s)[0]:
            return b""
        return os.read(port, 4096)
    except BlockingIOError:
        return b""
    except OSError:
        # A line that is broken says so at once, every time.
        time.sleep(timeout_s)
        return b""


def _write(port: int, data: bytes, path: Path) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(port, rest) :]
        except BlockingIOError:
            if not select.select([], [port], [], PATIENCE_S)[1]:
                raise LineError(
                    f"nobody reads {path}: it took nothing for {PATIENCE_S:g} s"
                ) from None
        except OSError as error:
            raise LineError(f"{path} broke: {error.strerror}") from error
