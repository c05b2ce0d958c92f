"""Batching: collects blocks until they can complete a window, to save calls of numpy.

A frame of 10 samples costs the signal path about as much as a hop of 64 samples. Chunking changes
no decision, so batching changes and delays none.
"""

import math

import numpy as np

from device.decision.decision import Decision
from device.pipeline.pipeline import Pipeline
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Samples

MOST = 4096
"""Largest number of samples in a batch, whatever the device's clock does."""


class Batching:
    """A pipeline's `push` for small blocks."""

    def __init__(self, pipeline: Pipeline, spec: SignalSpec) -> None:
        self._pipeline = pipeline
        self._spec = spec
        self._blocks: list[Samples] = []
        self._samples = 0
        self._last_s = -math.inf
        self._due_s = -math.inf

    def push(self, block: Samples) -> list[Decision]:
        """Take a block; return the decisions that are due. An empty block flushes."""
        decisions = self.flush() if block.lost or not len(block) else []
        if not len(block):
            return decisions + self._pipeline.push(block)
        steps_s = np.diff(block.t_s, prepend=self._last_s)
        follows = steps_s.min() >= 0 and steps_s.max() <= self._spec.max_gap_s
        self._blocks.append(block)
        self._samples += len(block)
        self._last_s = float(block.t_s[-1])
        if follows and self._last_s < self._due_s and self._samples < MOST:
            return decisions
        return decisions + self.flush()

    def flush(self) -> list[Decision]:
        """Pass the collected blocks to the pipeline; return its decisions."""
        if not self._blocks:
            return []
        blocks, self._blocks, self._samples = self._blocks, [], 0
        decisions = self._pipeline.push(blocks[0] if len(blocks) == 1 else Samples.joined(blocks))
        if decisions:
            self._due_s = self._next_due_s(decisions[-1])
        return decisions

    def _next_due_s(self, decision: Decision) -> float:
        """Return the earliest time of a sample that can complete the next window."""
        spec = self._spec
        if decision.end_s is None or decision.state == "no_data":
            return -math.inf
        hop_s = 0.0 if decision.state == "warming_up" else spec.hop / spec.rate_hz
        # The last sample of a window is one period before its end; one more period for jitter.
        return decision.end_s + hop_s - 2 / spec.rate_hz
