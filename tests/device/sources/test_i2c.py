"""The whole source: in simulated time, and with smbus2 in a process of its own."""

import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from device.cli import PROGRAM
from device.decision.decision import Decision
from device.factory import open_bundle, open_source
from device.model.classifier import Classifier
from device.pipeline.pipeline import Pipeline
from device.sources import SourceError
from device.sources import i2c as i2c_module
from device.sources import retry
from device.sources.i2c import I2cSource
from device.sources.retry import LONGEST_WAIT_S, PATIENCE_S
from device.sources.mpu.registers import MODELS, Model
from firmware_bridge.recording import RecordingWriter, read_blocks
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_index, counts, values
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.simulator.wearer import Wearer
from tests.device.sources.simulated import Simulated, numbered, numbers
from tests.waiting import wait_for


class Unplugged(Simulated):
    """Stands for smbus2's bus: it may be gone, and what is there is asked who it is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gone = 0
        self.opened = 0

    def open(self, number: int, address: int) -> "Unplugged":
        assert (number, address) == (1, 0x68)
        self.opened += 1
        if self.gone:
            raise OSError(self.gone, os.strerror(self.gone))
        return self

    def identify(self) -> tuple[int, Model]:
        found = self.read(0x75, 1)[0]
        return found, MODELS[found]

    def explain_silence(self, error: OSError) -> str:
        return f"silent ({error.errno})"

    def close(self) -> None:
        """Close nothing."""

    def __enter__(self) -> "Unplugged":
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""


def wired(monkeypatch: pytest.MonkeyPatch, host: Unplugged) -> None:
    clock = SimpleNamespace(monotonic=host.now, sleep=host.sleep, time=host.now)
    monkeypatch.setattr(i2c_module, "time", clock)
    monkeypatch.setattr(retry, "time", clock)
    monkeypatch.setattr(i2c_module, "Bus", host.open)


def take(blocks: Generator[Samples], host: Simulated, seconds: float) -> list[Samples]:
    end_s = host.now_s + seconds
    taken = []
    while host.now_s < end_s:
        before_s = host.now_s
        block = next(blocks)
        assert host.now_s - before_s < PATIENCE_S + 0.1
        if len(block):
            taken.append(block)
    return taken


def problems(source: I2cSource) -> list[str]:
    return list(source.health.problems)


def whole_numbers(blocks: list[Samples]) -> NDArray[np.int64]:
    acc = np.concatenate([block.acc_g for block in blocks])
    gyro = np.concatenate([block.gyro_rad_s for block in blocks])
    both = np.column_stack([acc * 8192, np.degrees(gyro) * 32.768])
    return numbers(np.rint(both).astype(np.int16))


def worn(seconds: float, seed: int = 5) -> Samples:
    script = [("walking", 0.6 * seconds), ("sitting", 0.4 * seconds)]
    samples, _ = Wearer(seed=seed).samples(script)
    return samples


def decided(blocks: Iterator[Samples]) -> list[Decision]:
    bundle = open_bundle("waist")
    pipeline = Pipeline(bundle, Classifier(bundle).probabilities)
    return [decision for block in blocks for decision in pipeline.push(block)]


def apart(live: list[Decision], offline: list[Decision]) -> list[float]:
    """Return the largest difference of a probability in each window."""
    return [
        max(abs(x.probabilities[name] - y.probabilities[name]) for name in x.probabilities)
        for x, y in zip(live, offline, strict=True)
        if x.probabilities and y.probabilities
    ]


@pytest.mark.parametrize("ppm", [0.0, 12_000.0])
def test_decisions_are_those_of_the_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ppm: float
) -> None:
    """Of what was read, to the bit; of what was fed, to what the clock leaves open.

    The samples are those fed, count for count. But their times are estimated, on another clock
    than the recording's: windows begin a moment apart, so probabilities differ a little.
    """
    fed = worn(120.0)
    host = Unplugged(by_index(values(fed)), ppm=ppm)
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 50)
    with closing(source.blocks()) as blocks:
        taken = take(blocks, host, 110.0)
    with RecordingWriter(tmp_path / "read.csv") as recording:
        for block in taken:
            recording.write(block)
    live = decided(iter(taken))
    assert live == decided(read_blocks(tmp_path / "read.csv"))

    acc = np.concatenate([block.acc_g for block in taken])
    gyro = np.concatenate([block.gyro_rad_s for block in taken])
    quantised = counts(values(fed), 4, 1000)[: len(acc)]
    np.testing.assert_array_equal(acc, quantised[:, :3] * (4 / 32768))
    np.testing.assert_array_equal(gyro, quantised[:, 3:] * (1000 / 32768 * np.pi / 180))
    t_s = fed.t_s[: len(acc)] / (1 + ppm * 1e-6)
    offline = decided(iter([Samples(t_s, acc, gyro)]))
    assert [d.activity for d in live] == [d.activity for d in offline]
    assert len(live) > 80
    assert max(apart(live, offline)) < 0.1
    assert np.median(apart(live, offline)) <= 1 / 256


def test_nor_do_those_of_a_person(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    """A HAPT recording, by a chip that is 1.2 % fast."""
    with zipfile.ZipFile(data_dir / "hapt.zip") as archive:
        name = next(name for name in archive.namelist() if "acc_exp03" in name)
        acc_g, gyro_rad_s = (
            np.loadtxt(archive.open(name.replace("acc_", kind))) for kind in ("acc_", "gyro_")
        )
    fed = Samples(np.arange(len(acc_g)) / 50 / 1.012, acc_g, gyro_rad_s)
    host = Unplugged(by_index(values(fed)), ppm=12_000)
    wired(monkeypatch, host)
    with closing(I2cSource(1, 0x68, 50).blocks()) as blocks:
        taken = take(blocks, host, float(fed.t_s[-1]))
    read = sum(map(len, taken))
    quantised = counts(values(fed), 4, 1000)[:read]
    scaled = quantised * np.repeat([4 / 32768, 1000 / 32768 * np.pi / 180], 3)
    offline = decided(iter([Samples(fed.t_s[:read], scaled[:, :3], scaled[:, 3:])]))
    live = decided(iter(taken))
    assert len(live) == len(offline) > 200
    # All but those on the edge between two activities; half of all within an LSB of the output.
    same = [a.activity == b.activity for a, b in zip(live, offline, strict=True)]
    assert np.mean(same) > 0.97
    assert np.median(apart(live, offline)) <= 1 / 256


def test_a_brown_out_is_recovered_from_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host = Unplugged(numbered)
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 50)
    with closing(source.blocks()) as blocks:
        before = take(blocks, host, 10.0)
        host.brown_out()
        after = take(blocks, host, 10.0)
    assert source.counts["restarts"] == 1
    assert "register" in caplog.messages[-1]
    assert "restarting the chip" in caplog.messages[-1]
    gap_s = after[0].t_s[0] - before[-1].t_s[-1]
    assert 0.2 < gap_s < 3.0
    assert after[0].lost == round(gap_s * 50) - 1
    assert source.counts["lost"] == after[0].lost
    whole_numbers(after)  # fails on a torn one


@pytest.mark.parametrize("number", [errno.EREMOTEIO, errno.EIO, errno.ENODEV, errno.ETIMEDOUT])
def test_the_ladder(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """Half a second costs nothing, five a restart of the chip or the bus."""
    host = Unplugged(numbered)
    host.errno = number
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 50)
    with closing(source.blocks()) as blocks:
        take(blocks, host, 10.0)
        host.chip.nack_until_us = round(1e6 * (host.now_s + 0.5))
        take(blocks, host, 5.0)
        assert source.counts["bus_errors"] > 3
        assert source.counts["lost"] == source.counts["restarts"] == source.counts["reopened"] == 0
        assert problems(source) == ["bus errors"]
        host.chip.nack_until_us = round(1e6 * (host.now_s + 5))
        take(blocks, host, 20.0)
        assert source.counts["reopened"] == 1
        assert 5 * 50 < source.counts["lost"] < 12 * 50
        take(blocks, host, 10.0)
        assert problems(source) == []
    assert len(caplog.messages) < 12


def test_a_bus_that_is_unplugged_is_opened_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host = Unplugged(numbered)
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 50)
    with closing(source.blocks()) as blocks:
        take(blocks, host, 10.0)
        host.chip.absent, host.gone = True, errno.ENOENT
        assert not take(blocks, host, 60.0)
        assert problems(source)[-1] == "no data"
        opened = host.opened
        assert not take(blocks, host, 60.0)
        assert host.opened - opened <= 60 / LONGEST_WAIT_S + 1
        host.chip.absent, host.gone = False, 0
        host.brown_out()
        back = take(blocks, host, 20.0)
        assert source.counts["reopened"] == 1
        assert back[0].lost > 110 * 50
        assert problems(source) == []
    assert sum("waiting for i2c:1:0x68" in message for message in caplog.messages) == 1
    assert any("is back after" in message for message in caplog.messages)


def test_stuck_clipping_and_the_temperature_are_health(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Unplugged(by_index(values(worn(60.0))))
    host.chip.temperature_c = 28.5
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 100)
    with closing(source.blocks()) as blocks:
        take(blocks, host, 10.0)
        assert problems(source) == []
        assert source.health.temperature_c == pytest.approx(28.5, abs=0.1)
        host.chip.stuck[2] = 32767
        take(blocks, host, 5.0)
        assert problems(source) == ["stuck", "clipping"]
        host.chip.stuck.clear()
        take(blocks, host, 15.0)
        assert problems(source) == []


def test_the_clocks_drift_and_the_fifos_room_are_health(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Unplugged(numbered, ppm=3000.0)
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 50)
    with closing(source.blocks()) as blocks:
        take(blocks, host, 40.0)
    assert source.health.clock_ppm == pytest.approx(3000, abs=30)
    assert source.health.fifo_free == pytest.approx(1 - 13 * 12 / 1024, abs=0.05)


def test_it_is_dated_by_the_hosts_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Unplugged(numbered)
    wired(monkeypatch, host)
    source = I2cSource(1, 0x68, 50)
    with closing(source.blocks()) as blocks:
        last = take(blocks, host, 20.0)[-1]
    dated = datetime.fromisoformat(source.date(float(last.t_s[-1]))).timestamp()
    assert host.now_s - 0.3 < dated < host.now_s
    assert datetime.fromisoformat(source.date(None)).timestamp() == pytest.approx(
        host.now_s, abs=1e-2
    )


# ---- smbus2, unmodified


@contextmanager
def shimmed(chips: dict[int, Chip] | None = None) -> Iterator[I2cShim]:
    if not shutil.which("cc"):
        pytest.skip("no C compiler (Debian packages gcc and libc6-dev)")
    found = chips if chips is not None else {0x68: Chip(numbered, now_us=monotonic_us())}
    with I2cShim(Bus(found)) as shim:
        yield shim


READER = """
import json, logging, sys, time
import numpy as np
from device.factory import open_source
from device.sources import SourceError
logging.basicConfig(level=logging.INFO, format="%(message)s")
source = open_source(sys.argv[1])
taken = []
try:
    for block in source.blocks():
        if len(block):
            taken.append(block)
            print(json.dumps([len(block), source.counts]), flush=True)
        if sum(map(len, taken)) >= int(sys.argv[3]):
            break
except SourceError as error:
    sys.exit(str(error))
np.savez(sys.argv[2], t_s=np.concatenate([b.t_s for b in taken]),
         acc_g=np.concatenate([b.acc_g for b in taken]),
         gyro_rad_s=np.concatenate([b.gyro_rad_s for b in taken]))
"""


class Reading:
    """A source read with real smbus2 in a process of its own."""

    def __init__(self, shim: I2cShim, folder: Path, uri: str, samples: int) -> None:
        self.path = folder / "taken.npz"
        self.errors = folder / "stderr"
        with self.errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", READER, uri, str(self.path), str(samples)],
                env=os.environ | shim.environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.counts: dict[str, int] = {}

    def until(self, done: Callable[[dict[str, int]], bool]) -> None:
        """Follow its counts until they say so, or it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            _, self.counts = json.loads(line)
            if done(self.counts):
                return

    def said(self, words: str) -> None:
        wait_for(lambda: words in self.errors.read_text(), words)

    def end(self) -> Any:
        self.until(lambda _: False)
        assert self.process.wait(20) == 0, self.errors.read_text()
        return np.load(self.path)

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def taken_numbers(taken: Any) -> Any:
    both = np.column_stack([taken["acc_g"] * 8192, np.degrees(taken["gyro_rad_s"]) * 32.768])
    return numbers(np.rint(both).astype(np.int16))


@pytest.mark.parametrize("uri", ["i2c:1:0x68?rate=200", "i2c:1?rate=100&reads=direct"])
def test_smbus2_gives_every_sample(tmp_path: Path, uri: str) -> None:
    with shimmed() as shim, Reading(shim, tmp_path, uri, 150) as reading:
        found = taken_numbers(reading.end())
        lost = reading.counts["lost"]
    assert np.diff(found).min() > 0
    assert found[-1] - found[0] + 1 - len(found) <= lost
    if "direct" not in uri:
        np.testing.assert_array_equal(np.diff(found), 1)


def test_a_reader_that_was_stopped_counts_what_ran_over(tmp_path: Path) -> None:
    with shimmed() as shim, Reading(shim, tmp_path, "i2c:1?rate=200", 900) as reading:
        reading.until(lambda counts: counts["samples"] > 500)
        reading.process.send_signal(signal.SIGSTOP)
        stopped_us = monotonic_us()  # the chip's clock; its FIFO holds 0.4 s
        wait_for(lambda: monotonic_us() > stopped_us + 800_000, "an overflow")
        reading.process.send_signal(signal.SIGCONT)
        found = taken_numbers(reading.end())
        assert reading.counts["overflows"] == 1
        missing = found[-1] - found[0] + 1 - len(found)
        assert missing > 100
        # By the clock, which a busy machine hardly lets see.
        assert abs(missing - reading.counts["lost"]) <= 1
    assert np.diff(found).min() > 0


@pytest.mark.slow
def test_unplugged_and_browned_out_with_smbus2(tmp_path: Path) -> None:
    with shimmed() as shim, Reading(shim, tmp_path, "i2c:1?rate=100", 1500) as reading:
        reading.until(lambda counts: counts["samples"] > 100)
        shim.brown_out()
        reading.said("restarting the chip")
        reading.until(lambda counts: counts["restarts"] > 0)
        shim.unplug()
        reading.said("there is no /dev/i2c-1; enable I2C")
        shim.plug()
        taken = reading.end()
    assert np.diff(taken["t_s"]).min() > 0
    assert reading.counts["reopened"] == 1
    assert reading.counts["restarts"] >= 1
    assert reading.counts["lost"] > 30


@pytest.mark.slow
def test_noise_on_the_bus_tears_nothing(tmp_path: Path) -> None:
    with shimmed() as shim, Reading(shim, tmp_path, "i2c:1?rate=200", 1000) as reading:
        reading.until(lambda counts: counts["samples"] > 100)
        shim.bus.nack_share = 0.03
        found = taken_numbers(reading.end())
        assert reading.counts["bus_errors"] > 0
    assert np.diff(found).min() > 0


def run(shim: I2cShim, uri: str, until: str = "") -> str:
    """Run the daemon to its end, or until it says this and a moment longer; return all it says."""
    command = [*PROGRAM, "run", "--source", uri, "--model", "waist"]
    with subprocess.Popen(
        command, env=os.environ | shim.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if until and until in line:
                asked = shim.bus.traffic.transfers  # often enough to say it twice
                wait_for(lambda: shim.bus.traffic.transfers > asked + 5, "attempts")  # noqa: B023 -- now
                process.terminate()
                until = ""
    return f"{process.returncode}: {said}"


def test_a_chip_of_another_kind_is_refused_in_one_line() -> None:
    chip = Chip(numbered, now_us=monotonic_us())
    chip.who_am_i = 0x00
    chip._file[0x75] = 0x39  # a DS3231 clock lives at this address too
    with shimmed({0x68: chip}) as shim:
        said = run(shim, "i2c:1")
    last = said.splitlines()[-1]
    assert said.startswith("1: ")
    for words in ("0x68 on /dev/i2c-1", "WHO_AM_I 0x39", "nothing answers at 0x69"):
        assert words in last
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EACCES, "no permission for /dev/i2c-1; add this user to the group"),
     (errno.EBUSY, "/dev/i2c-1 cannot be opened: EBUSY")],
)  # fmt: skip
def test_a_bus_that_may_not_be_opened_is_refused_in_one_line(number: int, words: str) -> None:
    with shimmed() as shim:
        shim.unplug(number)
        said = run(shim, "i2c:1")
    assert said.startswith("1: ")
    assert words in said.splitlines()[-1]


def test_a_chip_that_is_absent_is_waited_for_and_the_other_address_named() -> None:
    with shimmed({0x69: Chip(numbered, who_am_i=0x71, now_us=monotonic_us())}) as shim:
        said = run(shim, "i2c:1:0x68", "nothing answers")
    assert said.startswith("0: ")
    assert said.count("nothing answers at 0x68 on /dev/i2c-1") == 1
    assert "an MPU-9250 answers at 0x69: use i2c:1:0x69" in said
    assert "i2cdetect -y 1" in said


def test_a_missing_bus_is_refused_only_where_waiting_cannot_help() -> None:
    source = open_source("i2c:4711")
    with closing(source.blocks()) as blocks:
        assert len(next(blocks)) == 0


def test_a_driver_of_the_kernels_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Unplugged(numbered)
    host.errno = errno.EBUSY
    host.chip.absent = True
    wired(monkeypatch, host)
    with pytest.raises(SourceError, match="silent"):
        next(I2cSource(1, 0x68, 50).blocks())
