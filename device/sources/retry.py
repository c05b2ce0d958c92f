"""Keeps a source's port or bus open: waits while it is absent, and opens it again."""

import logging
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TypeVar

from device.sources import SourceError
from firmware_bridge.samples import Samples

log = logging.getLogger(__name__)

PATIENCE_S = 0.5
"""Longest wait for a block."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 5.0
"""Waits between attempts; each wait is twice the one before."""

Device = TypeVar("Device", bound=AbstractContextManager[object])


class AbsentError(Exception):
    """The device is absent now and may come back; the message says why."""


class Retry:
    """Yields the samples of one source, whose device may be absent. Waits grow until `reset`."""

    def __init__(self, name: str) -> None:
        self._name, self._wait_s = name, FIRST_WAIT_S

    def reset(self) -> None:
        """Start again with the shortest wait, because the device works."""
        self._wait_s = FIRST_WAIT_S

    def blocks(
        self, opened: Callable[[], Device], read: Callable[[Device], Generator[Samples]]
    ) -> Generator[Samples]:
        """Open and read the device without end; yield empty blocks while it is absent.

        Both functions raise AbsentError. `opened` also raises SourceError if waiting does not help.
        It is passed on only before the first wait. Later, a device that was just plugged in may
        belong to root for a moment.
        """
        device = yield from self._until_open(opened, patient=False)
        while True:
            with device:
                try:
                    yield from read(device)
                except AbsentError as error:
                    log.warning("%s went away: %s", self._name, error)
            gone_s = time.monotonic()
            yield from self._pause()
            device = yield from self._until_open(opened, patient=True)
            log.warning("%s is back after %.1f s", self._name, time.monotonic() - gone_s)

    def _until_open(
        self, opened: Callable[[], Device], *, patient: bool
    ) -> Generator[Samples, None, Device]:
        logged = ""
        while True:
            try:
                return opened()
            except (AbsentError, SourceError) as error:
                if isinstance(error, SourceError) and not patient:
                    raise SourceError(f"{self._name}: {error}") from error.__cause__
                reason = str(error)
            if reason != logged:
                log.warning("waiting for %s: %s", self._name, reason)
                logged, patient = reason, True
            yield from self._pause()

    def _pause(self) -> Generator[Samples]:
        until_s = time.monotonic() + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        while (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, PATIENCE_S))
            yield Samples.empty()
