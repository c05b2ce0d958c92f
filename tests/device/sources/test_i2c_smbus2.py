"""The I2C source with smbus2, unmodified, in a separate process."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_index, counts, values
from firmware_bridge.simulator.shim import I2cShim
from tests.device.commands import edgehar, lines
from tests.device.sources.mpu.simulated import numbered, numbers_of
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler (Debian packages gcc and libc6-dev)"
)
READER = """
import json, logging, sys
import numpy as np
from device.factory import open_source
from firmware_bridge.samples import Samples
logging.basicConfig(level=logging.INFO, format="%(message)s")
source = open_source(sys.argv[1])
blocks, count = [], 0
for block in source.blocks():
    if len(block):
        blocks.append(block)
        count += len(block)
        print(json.dumps(source.counts), flush=True)
    if count >= int(sys.argv[3]):
        break
whole = Samples.joined(blocks)
np.savez(sys.argv[2], acc_g=whole.acc_g, gyro_rad_s=whole.gyro_rad_s)
"""


class Reading:
    """A source that is read in a separate process."""

    def __init__(self, shim: I2cShim, folder: Path, uri: str, samples: int) -> None:
        self.shim = shim
        self.path = folder / "samples.npz"
        self.errors = folder / "stderr"
        with self.errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", READER, uri, str(self.path), str(samples)],
                env=os.environ | shim.environment, stdout=subprocess.PIPE, stderr=stderr, text=True,
            )  # fmt: skip
        self.counts: dict[str, int] = {}

    def until(self, done: Callable[[dict[str, int]], bool]) -> None:
        """Follow the counts until they are `done`, or the process ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.counts = json.loads(line)
            if done(self.counts):
                return

    def end(self) -> Any:
        """Wait for the end; return the numbers of the samples."""
        self.until(lambda _: False)
        assert self.process.wait(20) == 0, self.errors.read_text()
        samples = np.load(self.path)
        return numbers_of(samples["acc_g"], samples["gyro_rad_s"])


def shim_of(chip: Chip | None = None, address: int = 0x68, **options: Any) -> I2cShim:
    return I2cShim(Bus({address: chip or Chip(numbered, now_us=monotonic_us())}), **options)


@contextmanager
def reading(folder: Path, uri: str, samples: int) -> Iterator[Reading]:
    with shim_of() as shim:
        one = Reading(shim, folder, uri, samples)
        try:
            yield one
        finally:
            one.process.kill()
            one.process.communicate()


@pytest.mark.parametrize("uri", ["i2c:1:0x68?rate=200", "i2c:1?rate=100&reads=direct"])
def test_every_sample_is_read(tmp_path: Path, uri: str) -> None:
    with reading(tmp_path, uri, 150) as one:
        number = one.end()
    assert np.diff(number).min() > 0
    assert number[-1] - number[0] + 1 - len(number) <= one.counts["lost"]
    if "direct" not in uri:
        np.testing.assert_array_equal(np.diff(number), 1)


def test_an_overflow_while_the_reader_was_stopped_is_counted(tmp_path: Path) -> None:
    with reading(tmp_path, "i2c:1?rate=200", 900) as one:
        one.until(lambda counts: counts["samples"] > 500)
        one.process.send_signal(signal.SIGSTOP)
        stopped_us = monotonic_us()  # the chip's clock; its FIFO holds 0.4 s
        wait_for(lambda: monotonic_us() > stopped_us + 800_000, "an overflow")
        one.process.send_signal(signal.SIGCONT)
        number = one.end()
    assert one.counts["overflows"] == 1
    missing = number[-1] - number[0] + 1 - len(number)
    assert missing > 100
    # The loss is counted by the clock, which is less exact on a busy machine.
    assert abs(missing - one.counts["lost"]) <= 1
    assert np.diff(number).min() > 0


@pytest.mark.slow
def test_errors_on_the_bus_tear_no_sample(tmp_path: Path) -> None:
    with reading(tmp_path, "i2c:1?rate=200", 1000) as one:
        one.until(lambda counts: counts["samples"] > 100)
        one.shim.bus.nack_share = 0.03
        number = one.end()
    assert one.counts["bus_errors"] > 0
    assert np.diff(number).min() > 0


@pytest.mark.slow
def test_the_daemon_decides_as_classify(recording: Path, tmp_path: Path) -> None:
    fed, ppm = read(recording)[0], -11_000
    chip = Chip(by_index(values(fed)), ppm=ppm, now_us=monotonic_us())
    report = tmp_path / "report.json"
    command = [*PROGRAM, "run", "--source", "i2c:1", "--model", "waist", "--report", str(report)]
    with (
        shim_of(chip, clock_hz=400_000) as shim,
        subprocess.Popen(
            command, env=os.environ | shim.environment, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        out = ""
        while not out or json.loads(out.splitlines()[-1])["end_s"] < 30.0:
            out += process.stdout.readline()
        process.terminate()
        out += process.communicate()[0]
    end = json.loads(report.read_text())
    assert end["source"]["lost"] == end["source"]["bus_errors"] == 0
    count = end["source"]["samples"]
    assert count == end["pipeline"]["samples"] > 48 * 25

    quantised = counts(values(fed), 4, 1000)[:count]
    acc, gyro = quantised[:, :3] * (4 / 32768), np.radians(quantised[:, 3:] * (1000 / 32768))
    with RecordingWriter(tmp_path / "fed.csv") as writer:
        writer.write(Samples(np.arange(count) / 50 / (1 + ppm * 1e-6), acc, gyro))
    offline = lines(edgehar("classify", tmp_path / "fed.csv", "--model", "waist").stdout)
    live = lines(out)
    assert len(live) > 10
    for name in ("state", "activity"):
        assert [d[name] for d in live] == [d[name] for d in offline]


def run(shim: I2cShim, uri: str, until: str = "") -> str:
    """Run the daemon to its end, or a moment longer than `until` is logged; return code and log."""
    command = [*PROGRAM, "run", "--source", uri, "--model", "waist"]
    with subprocess.Popen(
        command, env=os.environ | shim.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        log = ""
        for line in process.stderr:
            log += line
            if until and until in line:
                transfers = shim.bus.traffic.transfers  # enough for a second line
                wait_for(lambda: shim.bus.traffic.transfers > transfers + 5, "attempts")  # noqa: B023 -- now
                process.terminate()
                until = ""
    return f"{process.returncode}: {log}"


def test_a_chip_of_another_kind_is_refused_in_one_line() -> None:
    chip = Chip(numbered, now_us=monotonic_us())
    chip.who_am_i = 0x00
    chip._file[0x75] = 0x39  # a DS3231 clock has this address too
    with shim_of(chip) as shim:
        log = run(shim, "i2c:1")
    assert log.startswith("1: ")
    for words in ("0x68 on /dev/i2c-1", "WHO_AM_I 0x39", "nothing answers at 0x69"):
        assert words in log.splitlines()[-1]
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EACCES, "no permission for /dev/i2c-1; add this user to the group"),
     (errno.EBUSY, "/dev/i2c-1 cannot be opened: EBUSY")],
)  # fmt: skip
def test_a_bus_that_cannot_be_opened_is_refused_in_one_line(number: int, words: str) -> None:
    with shim_of() as shim:
        shim.unplug(number)
        log = run(shim, "i2c:1")
    assert log.startswith("1: ")
    assert words in log.splitlines()[-1]


def test_an_absent_chip_is_waited_for_and_the_other_address_named() -> None:
    with shim_of(Chip(numbered, who_am_i=0x71, now_us=monotonic_us()), 0x69) as shim:
        log = run(shim, "i2c:1:0x68", "nothing answers")
    assert log.startswith("0: ")
    assert log.count("nothing answers at 0x68 on /dev/i2c-1 (EREMOTEIO, ") == 1
    assert "an MPU-9250 answers at 0x69: use i2c:1:0x69" in log
    assert "i2cdetect -y 1" in log
