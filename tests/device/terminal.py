"""A command on a terminal of its own, and somebody who reads and types there."""

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
_CONTROLLED = (
    "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " signal.signal(signal.SIGINT, signal.default_int_handler); "
)
"""Only of its controlling terminal does Ctrl-C interrupt a process, and not one that inherits its
being ignored, as what a shell starts in the background does."""
_STILL = 5
"""So many looks in a row at which it sleeps are no accident."""
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
        self.seen = ""
        """All that came, without escape sequences."""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def until(self, text: str) -> None:
        """Read until a text comes after what was waited for before."""
        deadline = time.monotonic() + PATIENCE_S
        while (at := self.seen.find(text, self._read)) < 0:
            assert time.monotonic() < deadline, f"no {text!r} after:\n{self.seen}"
            assert self._more(), f"it ended before {text!r}:\n{self.seen}"
        self._read = at + len(text)

    def enter(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, as people do, when it waits: just before it does, CPython misses it."""
        stat, deadline, waits = f"/proc/{self.process.pid}/stat", time.monotonic() + PATIENCE_S, 0
        while waits < _STILL:
            assert time.monotonic() < deadline, f"it does not wait:\n{self.seen}"
            time.sleep(0.02)
            state = Path(stat).read_text().rpartition(")")[2].split()[0]
            waits = waits + 1 if state == "S" else 0
        self.enter("\x03")

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
        self.seen += _ESCAPES.sub("", data.decode(errors="replace")).replace("\r\n", "\n")
        return bool(data)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)
