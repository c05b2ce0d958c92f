"""The firmware as it is flashed, in a simulated ATmega328P and a simulated RP2040, with the chip
model on its bus, on a serial line to the daemon."""

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_bridge.decoder import Decoder
from firmware_bridge.framing import seal
from firmware_bridge.protocol import (
    SAMPLE,
    Batch,
    Code,
    Command,
    Hello,
    Message,
    Reset,
    Status,
    Trouble,
    pack,
)
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import by_index, counts, values
from tests.device.commands import edgehar, lines
from tests.device.test_run import daemon, stop
from tests.firmware_bridge.firmware.core import NUMBERED
from tests.stand_ins import firmware, firmware_figures
from tests.stand_ins.firmware import Happening, Image, Simulation
from tests.system.debian import needs
from train.datasets import hapt

pytestmark = pytest.mark.system

ACC_G, GYRO_DPS = 4, 1000
STOP = seal(pack(Command(Code.STOP)))


@pytest.fixture(scope="session")
def avr(tmp_path_factory: pytest.TempPathFactory) -> Image:
    needs("gcc-avr", "avr-libc", "gcc", "libc6-dev", "make", "libsimavr-dev", "libelf-dev")
    return firmware.build_avr(tmp_path_factory.mktemp("avr"))


@pytest.fixture(scope="session")
def rp2040(tmp_path_factory: pytest.TempPathFactory) -> Image:
    needs("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "make", "python3-unicorn")
    return firmware.build_rp2040(tmp_path_factory.mktemp("rp2040"))


@pytest.fixture(params=["avr", "rp2040"])
def image(request: pytest.FixtureRequest) -> Image:
    found: Image = request.getfixturevalue(request.param)
    return found


def at(seconds: float, act: Callable[[Chip, int], None]) -> Happening:
    return Happening(round(seconds * 1e6), act)


def say(link: Path, data: bytes) -> Callable[[Chip, int], None]:
    """Send to the device, as another program at the same port would."""

    def act(chip: Chip, now_us: int) -> None:  # noqa: ARG001
        port = os.open(link, os.O_WRONLY | os.O_NOCTTY)
        os.write(port, data)
        os.close(port)

    return act


def silent(seconds: float) -> Callable[[Chip, int], None]:
    def act(chip: Chip, now_us: int) -> None:
        chip.nack_until_us = now_us + round(seconds * 1e6)

    return act


def hold_sda(chip: Chip, now_us: int) -> None:  # noqa: ARG001
    chip.sda_low_clocks = 6


def listen(
    simulation: Simulation, link: Path, cut: int = 0
) -> tuple[list[Message], dict[str, float]]:
    """Return all messages of a whole simulation, and what the simulator says of it.

    At most `cut` frames may be damaged.
    """
    heard: list[bytes] = []

    def read() -> None:
        while not link.is_symlink():
            time.sleep(0.005)
        port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(port, seal(pack(Command(Code.HELLO))))
        try:
            while data := os.read(port, 4096):
                heard.append(data)
        except OSError:
            return
        finally:
            os.close(port)

    with simulation:
        reader = threading.Thread(target=read)
        reader.start()
        summary = simulation.wait()
        reader.join()
    decoder = Decoder()
    messages = decoder.feed(b"".join(heard))
    assert decoder.counts.lost == decoder.counts.unknown == 0
    assert decoder.counts.bad_crc <= cut
    return messages, summary


T = TypeVar("T")


def only(kind: type[T], messages: list[Message]) -> list[T]:
    return [message for message in messages if isinstance(message, kind)]


def sent_at(batch: Batch) -> NDArray[np.int64]:
    """Return its samples' times, µs."""
    steps = np.frombuffer(batch.samples, SAMPLE)["dt_us"]
    return batch.time_us + np.cumsum(steps, dtype=np.int64)


def written(path: Path, table: Float64) -> Path:
    """Write what the chip's registers show of (n, 6), 50 samples a second."""
    shown = counts(table, ACC_G, GYRO_DPS).astype(np.float64)
    t_s = np.arange(len(shown)) / 50
    acc_g = shown[:, :3] * (ACC_G / 32768)
    gyro_rad_s = np.radians(shown[:, 3:] * (GYRO_DPS / 32768))
    with RecordingWriter(path) as writer:
        writer.write(Samples(t_s, acc_g, gyro_rad_s), None)
    return path


def test_a_person_gets_the_decisions_of_classify(
    image: Image, data_dir: Path, tmp_path: Path
) -> None:
    table = values(hapt.load(data_dir).recordings[0].samples)
    quantised = written(tmp_path / "quantised.csv", table)
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
    # The counts are the same, the times are not: the microcontroller's clock begins elsewhere, and
    # an interrupt that waits for another is dated a few microseconds late. So a probability on the
    # edge between two of its 256 steps may fall to the other side. None has so far.
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
        chip = Chip(NUMBERED)
        happenings = [
            at(12, silent(0.8)),  # the FIFO bridges it
            at(16, hold_sda),
            at(20, silent(3)),  # it overflows
            at(27, lambda chip, now_us: chip.brown_out(now_us)),
            at(40, say(running.port, STOP)),
        ]
        options = ("--patient", "--pace", "20", "--unplug", "31:3")
        link = running.port
        with Simulation(avr, chip, link, 41, *options, happenings=happenings) as simulation:
            summary = simulation.wait()
        running.wait_for("back after")
        stop(running)
    source = running.report["source"]
    # The simulator's own count of the chip's data-ready pulses is what there is to account for.
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
        "the sensor is well again",
        "1 times the sensor was set up anew",
        "samples lost meanwhile",
    ):
        assert words in running.log
    assert sum(decision["lost"] for decision in running.decisions) <= source["lost"]
    assert running.report["pipeline"]["lost"] == source["lost"]


def test_a_microcontroller_that_begins_anew_is_heard_again(avr: Image, tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        options = ("--patient", "--pace", "20", "--reset", "12", "--hang", "20")
        chip = Chip(NUMBERED)
        happenings = [at(30, say(running.port, STOP))]
        with Simulation(avr, chip, running.port, 31, *options, happenings=happenings) as simulation:
            summary = simulation.wait()
        running.wait_for("went away")
        stop(running)
    assert summary["resets"] == summary["watchdog_resets"] == 1
    source = running.report["source"]
    assert source["reboots"] == 2
    assert source["unplugged"] == 1
    assert "its watchdog reset it" in running.log
    # No index tells what was not sent before a reboot: of a batch, and while the program hung.
    unknowable = summary["interrupts"] - source["samples"] - source["lost"]
    assert 0 <= unknowable <= 10 + 10 + 0.6 * 50
    assert running.decisions[-1]["end_s"] > 30


def test_faults_of_the_bus_cost_what_is_counted(image: Image, tmp_path: Path) -> None:
    link, chip = tmp_path / "port", Chip(NUMBERED)
    happenings = [
        at(2, silent(0.8)),  # the FIFO bridges it
        at(4, hold_sda),
        at(6, silent(3)),  # it overflows
        at(12, lambda chip, now_us: chip.brown_out(now_us)),
        at(16, say(link, STOP)),
    ]
    simulation = Simulation(image, chip, link, 17, "--patient", happenings=happenings)
    messages, summary = listen(simulation, link)
    status = only(Status, messages)[-1]
    assert only(Hello, messages)[-1].index == summary["interrupts"]
    sent = sum(map(len, only(Batch, messages)))
    assert sent + status.overflowed == summary["interrupts"]
    assert 100 < status.overflowed < 3 * 50 + 20
    assert status.chip_restarts == 1
    assert status.trouble == chip.sda_low_clocks == 0


def test_a_program_that_hangs_is_reset(image: Image, tmp_path: Path) -> None:
    link = tmp_path / "port"
    simulation = Simulation(image, Chip(NUMBERED), link, 6, "--patient", "--hang", "3")
    messages, summary = listen(simulation, link, cut=1)
    assert summary["watchdog_resets"] == 1
    resets = [status.reset for status in only(Status, messages)]
    assert resets[0] == Reset.POWER
    assert resets[-1] == Reset.WATCHDOG
    index = [batch.index for batch in only(Batch, messages)]
    assert index[-1] == pytest.approx(2.2 * 50, abs=20)


def test_a_bus_held_for_good_is_told(image: Image, tmp_path: Path) -> None:
    link, chip = tmp_path / "port", Chip(NUMBERED)
    held = at(1, lambda chip, now_us: setattr(chip, "sda_low_clocks", 10**9))  # noqa: ARG005
    freed = at(4, lambda chip, now_us: setattr(chip, "sda_low_clocks", 0))  # noqa: ARG005
    simulation = Simulation(image, chip, link, 8, "--patient", happenings=[held, freed])
    messages, _ = listen(simulation, link)
    troubles = [status.trouble for status in only(Status, messages)]
    assert Trouble.BUS_STUCK | Trouble.NO_ANSWER in troubles
    assert troubles[-1] == 0
    index = [batch.index for batch in only(Batch, messages)]
    assert index[-1] == pytest.approx(7.5 * 50, abs=30)


def test_it_tells_its_boots_apart_over_power_loss(avr: Image, tmp_path: Path) -> None:
    link, eeprom = tmp_path / "port", tmp_path / "eeprom"
    boots = []
    for _ in range(3):
        simulation = Simulation(avr, Chip(NUMBERED), link, 2, "--patient", "--eeprom", str(eeprom))
        messages, _ = listen(simulation, link)
        boots.append({hello.boot for hello in only(Hello, messages)})
        assert {status.reset for status in only(Status, messages)} == {Reset.POWER}
    assert boots == [{1}, {2}, {3}]


def test_without_its_interrupt_wire_it_still_sends_and_says_so(
    image: Image, tmp_path: Path
) -> None:
    link = tmp_path / "port"
    simulation = Simulation(image, Chip(NUMBERED), link, 10, "--patient", "--no-int")
    messages, _ = listen(simulation, link)
    assert only(Status, messages)[-1].trouble == Trouble.NO_INTERRUPT
    assert sum(map(len, only(Batch, messages))) == pytest.approx(10 * 50, abs=40)


@pytest.mark.parametrize("rate_hz", [100, 200, 500])
def test_it_keeps_up_with_the_rates_it_takes(image: Image, tmp_path: Path, rate_hz: int) -> None:
    link = tmp_path / "port"
    rate = seal(pack(Command(Code.SET_RATE, rate_hz * 1000)))
    happenings = [at(1, say(link, rate)), at(9, say(link, STOP))]
    simulation = Simulation(image, Chip(NUMBERED), link, 10, "--patient", happenings=happenings)
    messages, summary = listen(simulation, link)
    assert only(Hello, messages)[-1].rate_mhz == rate_hz * 1000
    assert only(Hello, messages)[-1].index == summary["interrupts"]
    assert only(Status, messages)[-1].overflowed == 0
    times = np.concatenate([sent_at(batch) for batch in only(Batch, messages)[10:]])
    steps = np.diff(times)[-5 * rate_hz :]
    # An interrupt waits at most for another: a few microseconds, and none is missed.
    assert steps == pytest.approx(1e6 / rate_hz, abs=20)


@pytest.mark.usefixtures("avr")  # for the packages
def test_the_pro_mini_of_8_mhz_runs_too(tmp_path: Path) -> None:
    slow = firmware.build_avr(tmp_path / "avr-8", mhz=8, baud=57600)
    link = tmp_path / "port"
    messages, summary = listen(Simulation(slow, Chip(NUMBERED), link, 10, "--patient"), link)
    times = np.concatenate([sent_at(batch) for batch in only(Batch, messages)])
    assert np.diff(times) == pytest.approx(20_000, abs=40)
    assert 0 <= summary["interrupts"] - len(times) <= 10  # a batch


def test_it_fits_with_room_for_its_stack(avr: Image, tmp_path: Path) -> None:
    flash, ram = (int(number) for number in re.findall(r"(\d+) of", avr.size))
    assert flash <= 8192
    assert ram <= 1024
    link = tmp_path / "port"
    happenings = [at(2, silent(1)), at(4, hold_sda), at(6, say(link, STOP))]
    simulation = Simulation(avr, Chip(NUMBERED), link, 8, "--patient", happenings=happenings)
    _, summary = listen(simulation, link)
    assert summary["stack_bytes"] < (2048 - ram) / 2


def test_the_table_of_the_readme_can_be_made(avr: Image, tmp_path: Path) -> None:
    assert firmware_figures.row(avr, tmp_path, 100, 6).startswith("| 100 Hz | 0 of 4")
