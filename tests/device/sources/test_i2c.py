"""The I2C source in simulated time: decisions, restarts, absent devices, health."""

import errno
import logging
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from device.decision.decision import Decision
from device.factory import open_bundle, open_source
from device.model.classifier import Classifier
from device.pipeline.pipeline import Pipeline
from device.sources import SourceError, i2c, retry
from device.sources.i2c import I2cSource
from device.sources.mpu.registers import MODELS, Model
from device.sources.retry import PATIENCE_S
from firmware_bridge.recording import RecordingWriter, read_blocks
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.feed import by_index, counts, values
from firmware_bridge.simulator.wearer import Wearer
from tests.device.sources.mpu.simulated import Simulated, numbered, numbers_of

LSB = np.repeat([4 / 32768, 1000 / 32768 * np.pi / 180], 3)


class SimulatedBus(Simulated, AbstractContextManager["SimulatedBus"]):
    """Stand-in for `Bus` that can be absent, and the source that reads its chip."""

    def __init__(self, *args: Any, rate_hz: int = 50, **options: Any) -> None:
        super().__init__(*args, **options)
        self.absent_errno = 0
        self.rate_hz = rate_hz

    def start(self) -> None:
        self.source = I2cSource(1, 0x68, self.rate_hz)
        self.blocks = self.source.blocks()

    def take(self, seconds: float) -> list[Samples]:
        """Return the blocks with samples of the next seconds."""
        end_s = self.now_s + seconds
        blocks = []
        while self.now_s < end_s:
            before_s = self.now_s
            blocks.append(next(self.blocks))
            assert self.now_s - before_s < PATIENCE_S + 0.1
        return [block for block in blocks if len(block)]

    @property
    def problems(self) -> list[str]:
        return list(self.source.health.problems)

    def open(self, number: int, address: int) -> "SimulatedBus":
        assert (number, address) == (1, 0x68)
        if self.absent_errno:
            raise OSError(self.absent_errno, os.strerror(self.absent_errno))
        return self

    def identify(self) -> tuple[int, Model]:
        who_am_i = self.read(0x75, 1)[0]
        return who_am_i, MODELS[who_am_i]

    def explain_silence(self, error: OSError) -> str:
        return f"silent ({error.errno})"

    def close(self) -> None:
        """Close nothing."""

    def __exit__(self, *_: object) -> None:
        """Close nothing."""


Connect = Callable[..., SimulatedBus]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Make a bus with a chip, and a source that reads it in simulated time."""

    def connected(*args: Any, **options: Any) -> SimulatedBus:
        bus = SimulatedBus(*args, **options)
        clock = SimpleNamespace(monotonic=bus.now, sleep=bus.sleep, time=bus.now)
        monkeypatch.setattr(i2c, "time", clock)
        monkeypatch.setattr(retry, "time", clock)
        monkeypatch.setattr(i2c, "Bus", bus.open)
        bus.start()
        return bus

    return connected


def worn(seconds: float) -> Samples:
    script = [("walking", 0.6 * seconds), ("sitting", 0.4 * seconds)]
    samples, _ = Wearer(seed=5).samples(script)
    return samples


def counted(samples: Samples, count: int, speed: float = 1.0) -> Samples:
    """Return the first `count` samples in whole LSB, on a clock of this speed."""
    six = counts(values(samples), 4, 1000)[:count] * LSB
    return Samples(samples.t_s[:count] / speed, six[:, :3], six[:, 3:])


def decided(blocks: Iterator[Samples]) -> list[Decision]:
    bundle = open_bundle("waist")
    pipeline = Pipeline(bundle, Classifier(bundle).probabilities)
    return [decision for block in blocks for decision in pipeline.push(block)]


def differences(live: list[Decision], offline: list[Decision]) -> list[float]:
    """Return the largest difference of a probability in each window."""
    return [
        max(abs(x.probabilities[name] - y.probabilities[name]) for name in x.probabilities)
        for x, y in zip(live, offline, strict=True)
        if x.probabilities and y.probabilities
    ]


@pytest.mark.parametrize("ppm", [0.0, 12_000.0])
def test_decisions_are_those_of_the_recording(connect: Connect, tmp_path: Path, ppm: float) -> None:
    """Bit by bit for the recorded samples; nearly for the samples that the chip was fed.

    Fed and read samples have the same counts, but the times of the read ones are estimated on the
    host's clock. So windows begin slightly apart, and probabilities differ a little.
    """
    fed = worn(120.0)
    bus = connect(by_index(values(fed)), ppm=ppm)
    blocks = bus.take(110.0)
    with RecordingWriter(tmp_path / "read.csv") as recording:
        for block in blocks:
            recording.write(block)
    live = decided(iter(blocks))
    assert live == decided(read_blocks(tmp_path / "read.csv"))

    read = Samples.joined(blocks)
    expected = counted(fed, len(read), 1 + ppm * 1e-6)
    np.testing.assert_array_equal(read.acc_g, expected.acc_g)
    np.testing.assert_array_equal(read.gyro_rad_s, expected.gyro_rad_s)
    offline = decided(iter([expected]))
    assert [d.activity for d in live] == [d.activity for d in offline]
    assert len(live) > 80
    assert max(differences(live, offline)) < 0.1
    assert np.median(differences(live, offline)) <= 1 / 256


def test_decisions_on_a_real_recording_agree(connect: Connect, data_dir: Path) -> None:
    """A HAPT recording, on a chip that is 1.2 % fast."""
    with zipfile.ZipFile(data_dir / "hapt.zip") as archive:
        name = next(name for name in archive.namelist() if "acc_exp03" in name)
        acc_g, gyro_rad_s = (
            np.loadtxt(archive.open(name.replace("acc_", kind))) for kind in ("acc_", "gyro_")
        )
    fed = Samples(np.arange(len(acc_g)) / 50 / 1.012, acc_g, gyro_rad_s)
    blocks = connect(by_index(values(fed)), ppm=12_000).take(float(fed.t_s[-1]))
    live = decided(iter(blocks))
    offline = decided(iter([counted(fed, sum(map(len, blocks)))]))
    assert len(live) == len(offline) > 200
    # All but those between two activities; half of all within an LSB of the output.
    assert np.mean([a.activity == b.activity for a, b in zip(live, offline, strict=True)]) > 0.97
    assert np.median(differences(live, offline)) <= 1 / 256


def test_the_chip_is_restarted_after_a_brown_out_and_the_loss_is_counted(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    bus = connect(numbered)
    before = bus.take(10.0)
    bus.brown_out()
    after = bus.take(10.0)
    assert bus.source.counts["restarts"] == 1
    assert "register" in caplog.messages[-1]
    assert "restarting the chip" in caplog.messages[-1]
    gap_s = after[0].t_s[0] - before[-1].t_s[-1]
    assert 0.2 < gap_s < 3.0
    assert after[0].lost == bus.source.counts["lost"] == round(gap_s * 50) - 1
    for block in after:
        numbers_of(block.acc_g, block.gyro_rad_s)  # fails on a torn sample


@pytest.mark.parametrize("number", [errno.EREMOTEIO, errno.EIO, errno.ENODEV, errno.ETIMEDOUT])
def test_a_chip_without_answer_costs_nothing_for_half_a_second_and_then_a_reopened_bus(
    connect: Connect, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    bus = connect(numbered)
    bus.errno = number
    bus.take(10.0)
    bus.chip.nack_until_us = round(1e6 * (bus.now_s + 0.5))
    bus.take(5.0)
    counts = bus.source.counts
    assert counts["bus_errors"] > 3
    assert counts["lost"] == counts["restarts"] == counts["reopened"] == 0
    assert bus.problems == ["bus errors"]
    bus.chip.nack_until_us = round(1e6 * (bus.now_s + 5))
    bus.take(20.0)
    assert bus.source.counts["reopened"] == 1
    assert 5 * 50 < bus.source.counts["lost"] < 12 * 50
    bus.take(10.0)
    assert bus.problems == []
    assert len(caplog.messages) < 12


def test_an_unplugged_bus_is_opened_again(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bus = connect(numbered)
    bus.take(10.0)
    bus.chip.absent, bus.absent_errno = True, errno.ENOENT
    assert not bus.take(60.0)
    assert bus.problems[-1] == "no data"
    assert not bus.take(60.0)
    bus.chip.absent, bus.absent_errno = False, 0
    bus.brown_out()
    back = bus.take(20.0)
    assert bus.source.counts["reopened"] == 1
    assert back[0].lost > 110 * 50
    assert bus.problems == []
    assert sum("waiting for i2c:1:0x68" in message for message in caplog.messages) == 1
    assert any("is back after" in message for message in caplog.messages)


def test_health_has_problems_and_temperature(connect: Connect) -> None:
    bus = connect(by_index(values(worn(60.0))), rate_hz=100)
    bus.chip.temperature_c = 28.5
    bus.take(10.0)
    assert bus.problems == []
    assert bus.source.health.temperature_c == pytest.approx(28.5, abs=0.1)
    bus.chip.stuck[2] = 32767
    bus.take(5.0)
    assert bus.problems == ["stuck", "clipping"]
    bus.chip.stuck.clear()
    bus.take(15.0)
    assert bus.problems == []


def test_health_has_clock_drift_and_free_fifo(connect: Connect) -> None:
    bus = connect(numbered, ppm=3000.0)
    bus.take(40.0)
    assert bus.source.health.clock_ppm == pytest.approx(3000, abs=30)
    assert bus.source.health.fifo_free == pytest.approx(1 - 13 * 12 / 1024, abs=0.05)


def test_samples_are_dated_by_the_hosts_clock(connect: Connect) -> None:
    bus = connect(numbered)
    last = bus.take(20.0)[-1]
    dated = datetime.fromisoformat(bus.source.date(float(last.t_s[-1]))).timestamp()
    assert bus.now_s - 0.3 < dated < bus.now_s
    now = datetime.fromisoformat(bus.source.date(None)).timestamp()
    assert now == pytest.approx(bus.now_s, abs=1e-2)


def test_an_absent_bus_is_waited_for() -> None:
    assert len(next(open_source("i2c:4711").blocks())) == 0


def test_a_chip_that_a_kernel_driver_uses_is_refused(connect: Connect) -> None:
    bus = connect(numbered)
    bus.errno = errno.EBUSY
    bus.chip.absent = True
    with pytest.raises(SourceError, match="silent"):
        next(bus.blocks)
