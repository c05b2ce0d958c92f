"""Reads labels that are typed during a recording, and assigns them to samples."""

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
    """Assigns a label to each sample, from the times at which labels were typed. Pure."""

    def __init__(self) -> None:
        self.label = ""
        """Label of the latest sample."""
        self._typed: deque[tuple[float, str]] = deque()
        self._clock = ClockFit()

    def typed(self, at_s: float, label: str) -> None:
        """Add a label typed at at_s on the host's clock; '' ends the label before."""
        self._typed.append((at_s, label))

    def of(self, t_s: Float64, arrived_s: float) -> list[str]:
        """Return the labels of samples taken at t_s (n,) that arrived at arrived_s.

        A sample may arrive long after it was taken, so its time comes from the fit of the sensor's
        clock to the host's.
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
    """Return the label in a typed line; raises ValueError with the reason if it is invalid."""
    label = " ".join(line.decode("utf-8", "replace").split())
    if len(label) > MOST_CHARACTERS:
        raise ValueError(f"a label has at most {MOST_CHARACTERS} characters")
    if not label.isprintable() or set(label) & set(',"#\N{REPLACEMENT CHARACTER}'):
        raise ValueError('a label must be printable, without comma, quote or "#"')
    return label


def can_be_typed(descriptor: int = 0) -> bool:
    """Return whether labels can be typed: in a foreground terminal, or through a pipe."""
    try:
        mode = os.fstat(descriptor).st_mode
        if os.isatty(descriptor):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # closed
        return False
    return not stat.S_ISCHR(mode)  # /dev/null


class Typist:
    """Reads lines from standard input, each with the host's time of its arrival."""

    def __init__(self, descriptor: int = 0) -> None:
        """Start a thread that reads until the input or the program ends."""
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def lines(self) -> list[tuple[float, bytes]]:
        """Return (monotonic time, line) of each line since the last call."""
        return [self._lines.get() for _ in range(self._lines.qsize())]

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = os.read(self._descriptor, _MOST_BYTES)
            except OSError:  # the terminal was closed, or the process is in the background
                data = b""
            *lines, rest = (rest + data).split(b"\n")
            now = time.monotonic()
            for line in lines if data else [rest] * bool(rest):
                self._lines.put((now, line))
            if not data:
                return
            rest = rest[:_MOST_BYTES]
