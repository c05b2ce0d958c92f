"""Where decisions go. A sink may fail for a while (a full disk); the daemon goes on without it."""

import logging
from typing import Protocol

from device.decisions import Decision
from firmware_bridge.errors import EdgeharError

log = logging.getLogger(__name__)


class SinkError(EdgeharError):
    """A sink cannot take decisions now; it may again later."""


class Sink(Protocol):
    """What takes decisions."""

    name: str

    def write(self, decision: Decision) -> None:
        """Take one decision; raises SinkError, or BrokenPipeError once nobody reads any more."""

    def close(self) -> None:
        """Let go of what is open."""


class Outlet:
    """A sink whose failure is said once, and once more when it is over."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._missed = 0
        self.failures = 0
        """Writes that failed."""

    def write(self, decision: Decision) -> None:
        """Pass a decision on; raises BrokenPipeError only."""
        try:
            self._sink.write(decision)
        except SinkError as error:
            if not self._missed:
                log.error("%s; going on without it", error)  # noqa: TRY400 -- one line, no traceback
            self._missed += 1
            self.failures += 1
            return
        if self._missed:
            log.warning("%s: written again, after %d failures", self._sink.name, self._missed)
            self._missed = 0

    def close(self) -> None:
        """Close the sink; say what it never took."""
        self._sink.close()
        if self._missed:
            log.error("%s: the last %d decisions were not written", self._sink.name, self._missed)
