"""Where decisions go. A sink may fail for a while (a full disk); the daemon goes on without it."""

import logging
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from device.decision.decision import Decision
from device.sinks.status import Status
from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Samples

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


@runtime_checkable
class TakesStatus(Protocol):
    """A sink that is told how the daemon is, too."""

    def status(self, status: Status) -> None:
        """Take a Status, about once a second; raises as `write` does."""


@runtime_checkable
class TakesSamples(Protocol):
    """A sink that is shown the samples, too."""

    def see(self, block: Samples) -> None:
        """Take what the source gave, at once and without fail."""


class Outlet:
    """A sink whose failure is said once, and once more when it is over."""

    def __init__(self, sink: Sink) -> None:
        self.name = sink.name
        self._sink = sink
        self._status = sink.status if isinstance(sink, TakesStatus) else None
        self.see = sink.see if isinstance(sink, TakesSamples) else None
        """To show it samples; None: it wants none."""
        # Of each kind its own: that one can be taken does not say so of the other.
        self._missed = {"decision": 0, "status": 0}
        self.failures = 0
        """Writes that failed."""

    @property
    def queued(self) -> int:
        """How much waits to be written or sent: what the sink says in `queued`, if it does."""
        return getattr(self._sink, "queued", 0)

    def write(self, decision: Decision) -> None:
        """Pass a decision on; raises BrokenPipeError only."""
        self._give("decision", lambda: self._sink.write(decision))

    def status(self, status: Status) -> None:
        """Pass a Status on to a sink that takes it; raises BrokenPipeError only."""
        if self._status is not None:
            take = self._status
            self._give("status", lambda: take(status))

    def _give(self, what: str, give: Callable[[], None]) -> None:
        try:
            give()
        except SinkError as error:
            if not self._missed[what]:
                log.error("%s; going on without it", error)  # noqa: TRY400 -- one line, no traceback
            self._missed[what] += 1
            self.failures += 1
            return
        if self._missed[what]:
            log.warning("%s: written again, after %d failures", self.name, self._missed[what])
            self._missed[what] = 0

    def close(self) -> None:
        """Close the sink; say what it never took."""
        self._sink.close()
        if missed := self._missed["decision"]:
            log.error("%s: the last %d decisions were not written", self.name, missed)
