"""A source that stays open while the settings are read again, so that no sample is missed.

What it gives has the sensor's constant errors taken out; what it shows is as the sensor gave it.
"""

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Final

from device.decision.decision import Decision
from device.pipeline.pipeline import Pipeline
from device.signal.path import Event, SignalPath, Window
from device.sources import DelegatingSource, Source
from firmware_bridge.samples import Samples

KEPT_S: Final = 20.0
"""Of the latest samples, for a new pipeline to warm up with; the shipped models need 5.1 s."""


class ReloadableSource(DelegatingSource):
    """A source whose `blocks` may be begun again and go on where they were left."""

    def __init__(
        self, source: Source, put_right: Callable[[Samples], Samples] | None = None
    ) -> None:
        super().__init__(source)
        self.show: Callable[[Samples], None] | None = None
        """Is called with each block as it came, once."""
        self._put_right = put_right
        self._blocks = source.blocks()
        self._latest: deque[Samples] = deque()
        self._again: list[Samples] = []

    def blocks(self) -> Generator[Samples]:
        """Yield what comes; to close this generator leaves the source open. Raises as it does."""
        while self._again:
            yield self._again.pop(0)
        for raw in self._blocks:
            if self.show is not None:
                self.show(raw)
            block = raw if self._put_right is None else self._put_right(raw)
            if len(block):
                self._keep(block)
            yield block

    def prime(self, pipeline: Pipeline, until_s: float) -> None:
        """Warm a new pipeline up with what came last; what was decided ends at until_s.

        From the block on that completes the first window beyond it all is yielded again.
        """
        blocks, path = list(self._latest), SignalPath(pipeline.model.spec)
        first = next(
            (n for n, block in enumerate(blocks) if _beyond(path.push(block), until_s)), len(blocks)
        )
        for block in blocks[:first]:
            pipeline.push(block)
        self._again = blocks[first:]

    def close(self) -> None:
        """Let go of the source."""
        self._blocks.close()

    def _keep(self, block: Samples) -> None:
        if self._latest and block.t_s[0] < self._latest[-1].t_s[-1]:
            self._latest.clear()  # the sensor's clock began anew
        self._latest.append(block)
        while self._latest[0].t_s[-1] < block.t_s[-1] - KEPT_S:
            self._latest.popleft()


def _beyond(events: Sequence[Event], until_s: float) -> bool:
    return any(isinstance(event, Window) and event.end_s > until_s for event in events)


class DecidedUntil:
    """How far along the stream decisions have come: a sink."""

    name = "decided"

    def __init__(self) -> None:
        self.until_s = -math.inf

    def write(self, decision: Decision) -> None:
        """Take a decision."""
        self.until_s = -math.inf if decision.end_s is None else decision.end_s

    def close(self) -> None:
        """Do nothing."""
