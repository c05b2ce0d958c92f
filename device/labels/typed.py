"""Labels typed while a recording runs, and the samples that each belongs to."""

import os
import queue
import stat
import threading
import time
from collections import deque
from typing import Final

from firmware_bridge.clock import ClockFit
from firmware_bridge.samples import Float64

MOST_CHARACTERS: Final = 64
_MOST_BYTES: Final = 4096


class LabelTrack:
    """The label of every sample, from when each label was typed. Pure."""

    def __init__(self) -> None:
        self.label = ""
        """Time of the latest sample."""
        self._typed: deque[tuple[float, str]] = deque()
        self._clock = ClockFit()

    def typed(self, at_s: float, label: str) -> None:
        """Take a label typed when the host's clock showed at_s; '' ends the one before."""
        self._typed.append((at_s, label))

    def of(self, t_s: Float64, arrived_s: float) -> list[str]:
        """Give the labels of samples taken at t_s (n,), which arrived at arrived_s.

        A sample may arrive long after it was taken, so the fit of the sensor's clock to the host's
        says when that was.
        """
        if not len(t_s):
            return []
        self._clock.add(float(t_s[-1]), arrived_s)
        labels = []
        for taken_s in t_s.tolist():
            while self._typed and self._typed[0][0] <= (self._clock.host_s(taken_s) or arrived_s):
                self.label = self._typed.popleft()[1]
            labels.append(self.label)
        return labels


def cleaned(line: bytes) -> str:
    """Give the label in a line that was typed; raises ValueError with what is wrong with it."""
    label = " ".join(line.decode("utf-8", "replace").split())
    if len(label) > MOST_CHARACTERS:
        raise ValueError(f"a label has at most {MOST_CHARACTERS} characters")
    if not label.isprintable() or set(label) & set(',"#\N{REPLACEMENT CHARACTER}'):
        raise ValueError('a label has no comma, quote or "#", and is printable')
    return label


def can_be_typed(descriptor: int = 0) -> bool:
    """Say whether somebody can type here: a terminal we are in front of, or a pipe."""
    try:
        mode = os.fstat(descriptor).st_mode
        if os.isatty(descriptor):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # closed
        return False
    return not stat.S_ISCHR(mode)  # /dev/null


class Typist:
    """Lines from standard input, each with the host's time at which it came."""

    def __init__(self, descriptor: int = 0) -> None:
        """Begin to listen, in a thread that ends with the program or the input."""
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def lines(self) -> list[tuple[float, bytes]]:
        """Return (monotonic time, line) of what came since the last call."""
        found = []
        while not self._lines.empty():
            found.append(self._lines.get())
        return found

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = os.read(self._descriptor, _MOST_BYTES)
            except OSError:  # the terminal is gone, or we no longer are in front of it
                data = b""
            *lines, rest = (rest + data).split(b"\n")
            now = time.monotonic()
            for line in lines if data else [rest] * bool(rest):
                self._lines.put((now, line))
            if not data:
                return
            rest = rest[:_MOST_BYTES]
