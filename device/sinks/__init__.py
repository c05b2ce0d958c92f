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
    """A write failed; a later attempt may succeed."""


class Sink(Protocol):
    """Writes or sends decisions."""

    name: str

    def write(self, decision: Decision) -> None:
        """Write one decision; raises SinkError, or BrokenPipeError if the reader is gone."""

    def close(self) -> None:
        """Release files and connections."""


@runtime_checkable
class TakesStatus(Protocol):
    """A sink that also receives the daemon's Status."""

    def status(self, status: Status) -> None:
        """Receive a Status, about once a second; raises as `write` does."""


@runtime_checkable
class TakesSamples(Protocol):
    """A sink that also receives the samples."""

    def see(self, block: Samples) -> None:
        """Receive a block of the source. Never waits and never fails."""


class Outlet:
    """Wraps a sink: logs its first failure, counts the others, and logs its recovery."""

    def __init__(self, sink: Sink) -> None:
        self.name = sink.name
        self._sink = sink
        self._status = sink.status if isinstance(sink, TakesStatus) else None
        self.see = sink.see if isinstance(sink, TakesSamples) else None
        """Passes samples to the sink; None if the sink takes none."""
        # Counted separately: a written status does not prove that decisions can be written.
        self._missed = {"decision": 0, "status": 0}
        self.failures = 0
        """Number of failed writes."""

    @property
    def queued(self) -> int:
        """Number of items that wait to be written or sent; 0 if the sink does not count them."""
        return getattr(self._sink, "queued", 0)

    def write(self, decision: Decision) -> None:
        """Pass a decision on; raises BrokenPipeError only."""
        self._try("decision", lambda: self._sink.write(decision))

    def status(self, status: Status) -> None:
        """Pass a Status on to a sink that receives it; raises BrokenPipeError only."""
        if self._status is not None:
            write = self._status
            self._try("status", lambda: write(status))

    def _try(self, kind: str, write: Callable[[], None]) -> None:
        try:
            write()
        except SinkError as error:
            if not self._missed[kind]:
                log.error("%s; continuing without it", error)  # noqa: TRY400 -- one line, no traceback
            self._missed[kind] += 1
            self.failures += 1
            return
        if self._missed[kind]:
            log.warning("%s: works again after %d failed writes", self.name, self._missed[kind])
            self._missed[kind] = 0

    def close(self) -> None:
        """Close the sink; log how many of the last decisions were not written."""
        self._sink.close()
        if missed := self._missed["decision"]:
            log.error("%s: the last %d decisions were not written", self.name, missed)
