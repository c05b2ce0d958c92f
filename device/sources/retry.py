"""Waiting for a port or a bus that is absent."""

import logging
import time
from collections.abc import Callable, Generator
from typing import TypeVar

from device.sources import SourceError
from firmware_bridge.samples import Samples

log = logging.getLogger(__name__)

PATIENCE_S = 0.5
"""Longest wait for a block."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 5.0
"""Waits between attempts; each wait is twice the one before."""

T = TypeVar("T")


class AbsentError(Exception):
    """The device cannot be opened yet; the message says why."""


class Retry:
    """Attempts to open one source's device, with growing waits. The source yields empty blocks."""

    def __init__(self, name: str) -> None:
        self._name, self._wait_s = name, FIRST_WAIT_S

    def reset(self) -> None:
        """Start again with the shortest wait, because the device works."""
        self._wait_s = FIRST_WAIT_S

    def pause(self) -> Generator[Samples]:
        """Wait until the next attempt."""
        until_s = time.monotonic() + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        while (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, PATIENCE_S))
            yield Samples.empty()

    def until_open(self, attempt: Callable[[], T], *, started: bool) -> Generator[Samples, None, T]:
        """Call `attempt` until it returns; log each new reason to wait.

        `attempt` raises AbsentError, or SourceError if waiting does not help. The SourceError is
        passed on only before the source has started and before the first wait. Later, a device that
        was just plugged in may belong to root for a moment.
        """
        logged = ""
        while True:
            try:
                return attempt()
            except (AbsentError, SourceError) as error:
                if isinstance(error, SourceError) and not started:
                    raise SourceError(f"{self._name}: {error}") from error.__cause__
                reason = str(error)
            if reason != logged:
                log.warning("waiting for %s: %s", self._name, reason)
                logged, started = reason, True
            yield from self.pause()
