"""The device's end of a serial line: a pty that behaves like a plugged-in port, or a real port."""

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
"""A reader that takes no data for this long counts as absent."""

_QUIET_CHECKS = 5
_QUIET_S = 0.02


class LineError(EdgeharError):
    """The line broke, or nobody reads it."""


class _Line:
    """An open port: bytes in and out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """The name that is opened: by the reader of a pty, by this program for a real port."""
        self._port = -1

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Return what the reader has sent, after at most `timeout_s`; b"" if the line is broken."""
        if self._port < 0:
            time.sleep(timeout_s)
            return b""
        try:
            if timeout_s > 0 and not select.select([self._port], [], [], timeout_s)[0]:
                return b""
            return os.read(self._port, 4096)
        except BlockingIOError:
            return b""
        except OSError:
            # Without a pause the caller would spin, because a broken line never blocks.
            time.sleep(timeout_s)
            return b""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises LineError if the line breaks or nobody reads it."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._port, rest) :]
            except BlockingIOError:
                if not select.select([], [self._port], [], PATIENCE_S)[1]:
                    raise LineError(
                        f"nobody reads {self.path}: it took nothing for {PATIENCE_S:g} s"
                    ) from None
            except OSError as error:
                raise LineError(f"{self.path} broke: {error.strerror}") from error


class PtyLine(_Line):
    """A pseudo-terminal; a reader opens `path`, which is another one after each plug().

    With `link`, a symbolic link of that name leads to the pty while it is plugged in.
    Raises InputError if `link` exists and is not a symbolic link.
    """

    waits_for_reader = True
    """Opening a port discards earlier bytes, so the player sends nothing before that."""

    def __init__(self, link: Path | None = None) -> None:
        if link is not None and link.exists() and not link.is_symlink():
            raise InputError(f"{link} exists and is not a symbolic link: choose another name")
        super().__init__(Path())
        self._link = link
        self._slave = -1

    def plug(self) -> None:
        """Make the port appear. Raises LineError."""
        try:
            self._port, self._slave = os.openpty()
            # Kept open, so that unread bytes can be counted and survive the reader's close().
            tty.setraw(self._slave)
            os.set_blocking(self._port, False)
            self.path = Path(os.ttyname(self._slave))
            if self._link is not None:
                part = self._link.with_name(self._link.name + ".part")
                part.unlink(missing_ok=True)
                part.symlink_to(self.path)
                part.replace(self._link)
                self.path = self._link
        except OSError as error:
            self.unplug()
            raise LineError(f"cannot open a pty {self._link or ''}: {error.strerror}") from error

    def unplug(self) -> None:
        """Make the port vanish; the reader gets an error or an end of file."""
        if self._port >= 0:
            if self._link is not None:
                self._link.unlink(missing_ok=True)
            os.close(self._port)
            os.close(self._slave)
            self._port = self._slave = -1

    def drain(self) -> None:
        """Wait until the reader has read all bytes. Raises LineError if it stops reading."""
        waiting = array.array("i", [0])
        quiet, before, deadline = 0, -1, time.monotonic() + PATIENCE_S
        # The kernel may buffer more bytes than it counts, so several counts in a row must be zero.
        while quiet < _QUIET_CHECKS:
            fcntl.ioctl(self._slave, termios.FIONREAD, waiting)
            quiet = quiet + 1 if waiting[0] == 0 else 0
            if waiting[0] != before:
                before, deadline = waiting[0], time.monotonic() + PATIENCE_S
            elif time.monotonic() > deadline:
                raise LineError(f"nobody reads {self.path}: {waiting[0]} bytes wait in it")
            time.sleep(_QUIET_S)


class PortLine(_Line):
    """A serial port at 115200 baud; the reader is at the other end of the cable."""

    waits_for_reader = False

    def plug(self) -> None:
        """Open the port. Raises InputError."""
        try:
            self._port = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            fcntl.flock(self._port, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tty.setraw(self._port)
            settings = termios.tcgetattr(self._port)
            settings[2] |= termios.CLOCAL | termios.CREAD
            settings[4] = settings[5] = termios.B115200
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

    def drain(self) -> None:
        """Wait until all bytes are sent."""
        termios.tcdrain(self._port)
