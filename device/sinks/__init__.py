"""Sinks: where decisions go. If a sink fails (a full disk), the daemon continues without it."""

import logging
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from device.decision.decision import Decision
from device.sinks.status import Status
from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Samples

log = logging.getLogger(__name__)


class SinkError(EdgeharError):
    """A sink cannot take decisions now; a later attempt may succeed."""


class Sink(Protocol):
    """Takes decisions."""

    name: str

    def write(self, decision: Decision) -> None:
        """Take one decision; raises SinkError, or BrokenPipeError if the reader is gone."""

    def close(self) -> None:
        """Release files and connections."""


@runtime_checkable
class TakesStatus(Protocol):
    """A sink that takes the daemon's Status as well."""

    def status(self, status: Status) -> None:
        """Take a Status, about once a second; raises as `write` does."""


@runtime_checkable
class TakesSamples(Protocol):
    """A sink that takes the samples as well."""

    def see(self, block: Samples) -> None:
        """Take a block of the source. Never waits and never fails."""


class Outlet:
    """Wraps a sink: logs its first failure, counts the others, and logs its recovery."""

    def __init__(self, sink: Sink) -> None:
        self.name = sink.name
        self._sink = sink
        self._status = sink.status if isinstance(sink, TakesStatus) else None
        self.see = sink.see if isinstance(sink, TakesSamples) else None
        """Passes samples to the sink; None if the sink takes none."""
        # Counted apart: a status that was written says nothing about decisions.
        self._missed = {"decision": 0, "status": 0}
        self.failures = 0
        """Number of failed writes."""

    @property
    def queued(self) -> int:
        """Number of items that wait to be written or sent; 0 if the sink does not count them."""
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
                log.error("%s; continuing without it", error)  # noqa: TRY400 -- one line, no traceback
            self._missed[what] += 1
            self.failures += 1
            return
        if self._missed[what]:
            log.warning("%s: works again after %d failed writes", self.name, self._missed[what])
            self._missed[what] = 0

    def close(self) -> None:
        """Close the sink; log how many of the last decisions were not written."""
        self._sink.close()
        if missed := self._missed["decision"]:
            log.error("%s: the last %d decisions were not written", self.name, missed)
