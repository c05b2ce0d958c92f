"""A board whose clocks a test advances, with a sensor that a test need not wait for."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from device.host.clock import Reading
from device.labels import layout
from device.sinks.raw_ring import RawRing
from firmware_bridge.samples import Samples

HZ = 50.0
_ACC_G, _GYRO_RAD_S = 4 / 32768, 500 / 32768 * np.pi / 180


def samples(first_s: float, count: int, seed: int = 0, lost: int = 0) -> Samples:
    """Return samples like a sensor's: counts times their LSB, at whole microseconds."""
    chance = np.random.default_rng(seed)
    t_us = round(1e6 * first_s) + 20_000 * np.arange(count) + chance.integers(-50, 50, count)
    return Samples(
        t_us / 1e6,
        chance.integers(-9000, 9000, (count, 3)) * _ACC_G,
        chance.integers(-9000, 9000, (count, 3)) * _GYRO_RAD_S,
        lost,
    )


def same(one: Samples, other: Samples) -> bool:
    """Return whether two blocks are equal, bit for bit."""
    pairs = ("t_s", "acc_g", "gyro_rad_s")
    return all(
        np.ascontiguousarray(getattr(one, name)).tobytes()
        == np.ascontiguousarray(getattr(other, name)).tobytes()
        for name in pairs
    )


def in_ring(folder: Path) -> Samples:
    return Samples.joined([one.samples() for one in layout.chunks(layout.raw(folder))])


def keep_latest(folder: Path, seconds: float) -> Samples:
    """Write the samples of the last seconds, by this host's clocks, to a ring."""
    some = samples(5.0, round(HZ * seconds))
    end_s, now = float(some.t_s[-1]), datetime.now(UTC)

    def date(t_s: float | None) -> str:
        return (now - timedelta(seconds=end_s - (t_s or end_s))).isoformat()

    ring = RawRing(folder, 5, date)
    for at in range(0, len(some), 250):
        ring.keep(some[at : at + 250])
    ring.close()
    return some


@dataclass(slots=True)
class Board:
    """A board, switched on at some time; its clock may be wrong and be set."""

    on_s: float
    """True time, seconds since 1970."""
    wrong_s: float = 0.0
    """Error of its clock."""
    up_s: float = 100.0
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    sensor_s: float = 5.0
    """The sensor's clock now."""
    seed: int = 0

    def read(self) -> Reading:
        return Reading(self.name, self.up_s, self.on_s + self.up_s + self.wrong_s)

    def date(self, t_s: float | None) -> str:
        ago_s = 0.0 if t_s is None else self.sensor_s - t_s
        return datetime.fromtimestamp(self.read().utc_s - ago_s, UTC).isoformat()

    def ring(self, folder: Path, max_mb: int = 5) -> RawRing:
        return RawRing(folder, max_mb, self.date, self.read)

    def live(self, ring: RawRing, seconds: float, at_once: int = 10) -> Samples:
        """Let the sensor measure for some time; return its samples."""
        self.seed += 1
        found = samples(self.sensor_s, round(HZ * seconds), self.seed)
        for at in range(0, len(found), at_once):
            block = found[at : at + at_once]
            self.pass_by(len(block) / HZ)
            ring.keep(block)
            ring.status(None)
        return found

    def live_and_close(self, folder: Path, seconds: float) -> Samples:
        """Run a daemon that writes a ring for some time; return what the sensor measured."""
        ring = self.ring(folder)
        found = self.live(ring, seconds)
        ring.close()
        return found

    def pass_by(self, seconds: float) -> None:
        self.up_s += seconds
        self.sensor_s += seconds
