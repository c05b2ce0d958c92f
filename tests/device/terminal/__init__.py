"""A command on a terminal of its own, at which a test reads and types."""

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

PATIENCE_S = 30.0
_CONTROLLED = (
    "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " signal.signal(signal.SIGINT, signal.default_int_handler);"
    " signal.signal(signal.SIGHUP, signal.SIG_DFL); "
)
"""Makes the terminal the controlling one, and resets signals that a shell or nohup ignores."""
_STILL = 5
"""A process that sleeps at this number of checks in a row waits for input."""
_ESCAPES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


class Terminal:
    """Runs Python code with arguments; a context manager, which kills what is left at the end."""

    def __init__(self, code: str, *arguments: str | Path, env: dict[str, str]) -> None:
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (40, 100))
        around = {name: os.environ[name] for name in os.environ.keys() - {"COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CONTROLLED + code, *map(str, arguments)],
            stdin=theirs, stdout=theirs, stderr=theirs, env={**around, **env},
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.raw = self.seen = ""
        """The output, with and without escape sequences."""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def until(self, text: str) -> None:
        """Read until a text comes, after the text of the call before."""
        deadline = time.monotonic() + PATIENCE_S
        while (at := self.seen.find(text, self._read)) < 0:
            assert time.monotonic() < deadline, f"no {text!r} after:\n{self.seen}"
            assert self._more(), f"it ended before {text!r}:\n{self.seen}"
        self._read = at + len(text)

    def enter(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C when the process waits; CPython misses it just before."""
        stat, deadline, waits = f"/proc/{self.process.pid}/stat", time.monotonic() + PATIENCE_S, 0
        while waits < _STILL:
            assert time.monotonic() < deadline, f"it does not wait:\n{self.seen}"
            time.sleep(0.02)
            state = Path(stat).read_text().rpartition(")")[2].split()[0]
            waits = waits + 1 if state == "S" else 0
        self.enter("\x03")

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self._ours)
        self._ours = -1

    def ends(self) -> int:
        """Read to the end; return the exit code."""
        while self._more():
            pass
        return self.process.wait(PATIENCE_S)

    def _more(self) -> bool:
        if not select.select([self._ours], [], [], PATIENCE_S)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other end is closed
            return False
        text = data.decode(errors="replace")
        self.raw += text
        self.seen += _ESCAPES.sub("", text).replace("\r\n", "\n")
        return bool(data)

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self._ours >= 0:
            self.hang_up()
