"""A source that stays open while the settings are reloaded, so that no sample is missed.

Its blocks are calibrated; `show` gets them as the sensor gave them.
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
"""Length of the latest samples, to warm up a new pipeline; the shipped models need 5.1 s."""


class ReloadableSource(DelegatingSource):
    """A source whose `blocks` can be called again and continue where they stopped."""

    def __init__(
        self, source: Source, put_right: Callable[[Samples], Samples] | None = None
    ) -> None:
        super().__init__(source)
        self.show: Callable[[Samples], None] | None = None
        """Called once with each block, uncalibrated."""
        self._put_right = put_right
        self._blocks = source.blocks()
        self._latest: deque[Samples] = deque()
        self._again: list[Samples] = []

    def blocks(self) -> Generator[Samples]:
        """Yield the blocks; raises as the source does. Closing this leaves the source open."""
        while self._again:
            yield self._again.pop(0)
        for raw in self._blocks:
            if self.show is not None:
                self.show(raw)
            block = raw if self._put_right is None else self._put_right(raw)
            if len(block):
                self._keep(block)
            yield block

    def prime(self, pipeline: Pipeline, decided: "DecidedUntil") -> None:
        """Warm up a new pipeline with the latest samples, and drop the decisions of this.

        Blocks from the one that completes the first window after `decided` are yielded again. If
        the last sample's silence has been reported, the new pipeline does not report it again.
        """
        blocks, path = list(self._latest), SignalPath(pipeline.model.spec)
        ends_s = [_last_end_s(path.push(block)) for block in blocks]
        reported = decided.silent and path.last_s == decided.silent_from_s
        after = [n for n, end_s in enumerate(ends_s) if end_s > decided.until_s]
        first = len(blocks) if reported or not after else after[0]
        for block in blocks[:first]:
            pipeline.push(block)
        if reported:
            pipeline.silence(math.inf)
        self._again = blocks[first:]

    def close(self) -> None:
        """Close the source."""
        self._blocks.close()

    def _keep(self, block: Samples) -> None:
        if self._latest and block.t_s[0] < self._latest[-1].t_s[-1]:
            self._latest.clear()  # the sensor's clock has restarted
        self._latest.append(block)
        while self._latest[0].t_s[-1] < block.t_s[-1] - KEPT_S:
            self._latest.popleft()


def _last_end_s(events: Sequence[Event]) -> float:
    return max((event.end_s for event in events if isinstance(event, Window)), default=-math.inf)


class DecidedUntil:
    """A sink that keeps the time up to which decisions have been made."""

    name = "decided"

    def __init__(self) -> None:
        self.until_s = -math.inf
        """End of the latest decision that samples made."""
        self.silent = False
        """The latest decision reports that no samples arrive."""
        self.silent_from_s: float | None = None
        """Time of the last sample before that silence; None if no sample ever arrived."""

    def write(self, decision: Decision) -> None:
        """Keep the times of the decision."""
        self.silent = decision.state == "no_data"
        if self.silent:
            self.silent_from_s = decision.start_s
        elif decision.end_s is not None:
            self.until_s = decision.end_s

    def close(self) -> None:
        """Do nothing."""
