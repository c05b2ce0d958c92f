"""A model, a source and sinks that stand in for real ones."""

from collections.abc import Generator, Iterable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from device.decision.decision import Decision
from device.decision.judge import DecisionSpec
from device.signal.spec import SignalSpec
from device.sinks.status import Status
from device.sources import Health
from firmware_bridge.samples import Float64, Samples

LABELS = ("walking", "sitting")


class Model:
    id = "fake@00000000"
    labels = LABELS
    spec = SignalSpec()
    decision = DecisionSpec(0.5)
    orientation = None
    worn = None


def classify(x: NDArray[np.float32]) -> Float64:
    """Return walking with 0.9 if the gyro turns, else no clear class."""
    turning = np.abs(x[:, :, 3:6]).mean(axis=(1, 2)) > 0.1
    return np.where(turning[:, None], [[0.9, 0.1]], [[0.4, 0.3]])


def samples(start_s: float, seconds: float, lost: int = 0) -> Samples:
    t_s = start_s + np.arange(round(seconds * 50)) / 50
    return Samples(t_s, np.tile([0.0, 0.0, 1.0], (len(t_s), 1)), np.ones((len(t_s), 3)), lost)


def dated(t_s: float | None) -> str:
    return datetime.fromtimestamp(t_s or 0.0, UTC).isoformat()


class FakeSource:
    name = "fake"
    nominal_hz = 50.0

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self.counts = {"frames": 3}
        self.health = Health()
        self.closed = False
        self._blocks = blocks

    def blocks(self) -> Generator[Samples]:
        try:
            yield from self._blocks
        finally:
            self.closed = True

    def date(self, t_s: float | None) -> str | None:
        return dated(t_s)


class FakeSink:
    name = "fake sink"

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.fails: type[Exception] | None = None
        self.closed = False

    def write(self, decision: Decision) -> None:
        if self.fails:
            raise self.fails("no room")
        self.decisions.append(decision)

    def close(self) -> None:
        self.closed = True


class Told(FakeSink):
    """A sink that takes a Status."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Status] = []
        self.queued = 4

    def status(self, status: Status) -> None:
        if self.fails:
            raise self.fails("no room")
        self.told.append(status)
