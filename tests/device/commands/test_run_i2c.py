"""The daemon on an I2C bus, in real time: smbus2 through the shim, the shipped model."""

import json
import os
import shutil
import subprocess
from pathlib import Path

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

PPM = -11_000
SECONDS = 30.0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
def test_live_decisions_equal_classify_on_the_same_counts(recording: Path, tmp_path: Path) -> None:
    fed, _ = read(recording)
    chip = Chip(by_index(values(fed)), ppm=PPM, now_us=monotonic_us())
    report = tmp_path / "report.json"
    with I2cShim(Bus({0x68: chip}), clock_hz=400_000) as shim:
        options = ["--source", "i2c:1", "--model", "waist", "--report", str(report)]
        command = [*PROGRAM, "run", *options]
        with subprocess.Popen(
            command, env=os.environ | shim.environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            out = ""
            while not out or json.loads(out.splitlines()[-1])["end_s"] < SECONDS:
                out += process.stdout.readline()
            process.terminate()
            out += process.communicate()[0]
    found = json.loads(report.read_text())
    assert found["source"]["lost"] == found["source"]["bus_errors"] == 0
    taken = found["source"]["samples"]
    assert taken == found["pipeline"]["samples"] > 48 * (SECONDS - 5)

    quantised = counts(values(fed), 4, 1000)[:taken]
    t_s = np.arange(taken) / 50 / (1 + PPM * 1e-6)
    with RecordingWriter(tmp_path / "fed.csv") as writer:
        gyro = np.radians(quantised[:, 3:] * (1000 / 32768))
        writer.write(Samples(t_s, quantised[:, :3] * (4 / 32768), gyro))
    offline = lines(edgehar("classify", tmp_path / "fed.csv", "--model", "waist").stdout)
    live = lines(out)
    assert len(live) == len(offline) > 10
    assert [d["state"] for d in live] == [d["state"] for d in offline]
    assert [d["activity"] for d in live] == [d["activity"] for d in offline]
