"""The flashed firmware in a simulator, with a serial line to the daemon."""

from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.protocol import Code
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_index, counts, values
from tests.device.commands import edgehar, lines
from tests.device.running import daemon, stop
from tests.firmware_bridge.firmware.core import NUMBERED
from tests.stand_ins.firmware import Image, Simulation
from tests.system.microcontroller import at, command, hold_sda, say, silent
from train.datasets import hapt

pytestmark = pytest.mark.system

ACC_G, GYRO_DPS = 4, 1000


def write_quantised(path: Path, table: Float64) -> Path:
    """Write the values (n, 6) as the chip's registers have them, 50 samples a second."""
    registers = counts(table, ACC_G, GYRO_DPS).astype(np.float64)
    t_s = np.arange(len(registers)) / 50
    acc_g = registers[:, :3] * (ACC_G / 32768)
    gyro_rad_s = np.radians(registers[:, 3:] * (GYRO_DPS / 32768))
    with RecordingWriter(path) as writer:
        writer.write(Samples(t_s, acc_g, gyro_rad_s), None)
    return path


def test_a_person_gets_the_decisions_of_classify(
    image: Image, data_dir: Path, tmp_path: Path
) -> None:
    table = values(hapt.load(data_dir).recordings[0].samples)
    quantised = write_quantised(tmp_path / "quantised.csv", table)
    offline = lines(edgehar("classify", quantised, "--model", "waist").stdout)
    with daemon(tmp_path, "--model", "waist") as running:
        chip = Chip(by_index(table))
        seconds = len(table) / 50 + 0.25  # to bring the chip up
        with Simulation(image, chip, running.port, seconds, "--patient") as simulation:
            simulation.wait(120)
        running.wait_for("went away")
        stop(running)
    live = running.decisions
    assert len(live) == len(offline) > 300
    # The counts are equal, the times are not: the microcontroller's clock starts at another time,
    # and an interrupt that waits for another is dated a few microseconds late. So a probability on
    # the edge between two of its 256 steps may fall to the other side. None has so far.
    begun_s = live[0]["start_s"]
    for mine, theirs in zip(live, offline, strict=True):
        assert mine["start_s"] - begun_s == pytest.approx(theirs["start_s"], abs=1e-4)
        assert mine["end_s"] - begun_s == pytest.approx(theirs["end_s"], abs=1e-4)
        if theirs["probabilities"] is not None:
            assert mine["probabilities"] == pytest.approx(theirs["probabilities"], abs=1.1 / 256)
    same = ("state", "activity", "reason", "confidence", "probabilities", "lost", "model")
    pairs = zip(live, offline, strict=True)
    others = sum(any(mine[key] != theirs[key] for key in same) for mine, theirs in pairs)
    assert others <= len(live) // 100
    source = running.report["source"]
    assert source["lost"] == source["bus_faults"] == 0
    assert abs(source["samples"] - len(table)) < 10  # a batch


def test_whatever_goes_wrong_every_sample_is_counted(avr: Image, tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        chip, link = Chip(NUMBERED), running.port
        happenings = [
            at(12, silent(0.8)),  # the FIFO bridges it
            at(16, hold_sda(6)),
            at(20, silent(3)),  # it overflows
            at(27, lambda chip, now_us: chip.brown_out(now_us)),
            at(40, say(link, command(Code.STOP))),
        ]
        options = ("--patient", "--pace", "20", "--unplug", "31:3")
        with Simulation(avr, chip, link, 41, *options, happenings=happenings) as simulation:
            summary = simulation.wait()
        running.wait_for("back after")
        stop(running)
    source = running.report["source"]
    # The simulator counts the chip's data-ready pulses: each must be accounted for.
    assert source["samples"] + source["lost"] == summary["interrupts"]
    assert source["overflowed"] > 100
    assert source["lost"] > source["overflowed"] + 100  # while it was unplugged
    assert source["chip_restarts"] == 1
    assert source["bus_faults"] > 10
    assert source["unplugged"] == 2
    assert source["reboots"] == 0
    assert chip.sda_low_clocks == 0  # clocked free
    for words in (
        "the sensor does not answer",
        "samples overflowed in the sensor",
        "the sensor works again",
        "1 times the sensor was set up again",
        "samples lost meanwhile",
    ):
        assert words in running.log
    assert sum(decision["lost"] for decision in running.decisions) <= source["lost"]
    assert running.report["pipeline"]["lost"] == source["lost"]


def test_a_microcontroller_that_begins_anew_is_heard_again(avr: Image, tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        options = ("--patient", "--pace", "20", "--reset", "12", "--hang", "20")
        chip, link = Chip(NUMBERED), running.port
        happenings = [at(30, say(link, command(Code.STOP)))]
        with Simulation(avr, chip, link, 31, *options, happenings=happenings) as simulation:
            summary = simulation.wait()
        running.wait_for("went away")
        stop(running)
    assert summary["resets"] == summary["watchdog_resets"] == 1
    source = running.report["source"]
    assert source["reboots"] == 2
    assert source["unplugged"] == 1
    assert "its watchdog reset it" in running.log
    # No index counts the samples that were not sent before a reboot: of a batch, and while the
    # program hung.
    unknowable = summary["interrupts"] - source["samples"] - source["lost"]
    assert 0 <= unknowable <= 10 + 10 + 0.6 * 50
    assert running.decisions[-1]["end_s"] > 30
