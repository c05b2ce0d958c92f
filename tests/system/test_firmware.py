"""The flashed firmware in a simulated ATmega328P and RP2040, with the chip model on its bus."""

import re
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.protocol import Batch, Code, Hello, Reset, Status, Trouble
from firmware_bridge.simulator.chip import Chip
from tests.firmware_bridge.firmware.core import NUMBERED
from tests.stand_ins import firmware, firmware_figures
from tests.stand_ins.firmware import Image
from tests.system.microcontroller import at, command, hold_sda, only, run, sample_times, say, silent

pytestmark = pytest.mark.system


def test_faults_of_the_bus_cost_what_is_counted(image: Image, link: Path) -> None:
    chip = Chip(NUMBERED)
    happenings = [
        at(2, silent(0.8)),  # the FIFO bridges it
        at(4, hold_sda(6)),
        at(6, silent(3)),  # it overflows
        at(12, lambda chip, now_us: chip.brown_out(now_us)),
        at(16, say(link, command(Code.STOP))),
    ]
    messages, summary = run(image, chip, link, 17, happenings=happenings)
    status = only(Status, messages)[-1]
    assert only(Hello, messages)[-1].index == summary["interrupts"]
    sent = sum(map(len, only(Batch, messages)))
    assert sent + status.overflowed == summary["interrupts"]
    assert 100 < status.overflowed < 3 * 50 + 20
    assert status.chip_restarts == 1
    assert status.trouble == chip.sda_low_clocks == 0


def test_a_program_that_hangs_is_reset(image: Image, link: Path) -> None:
    messages, summary = run(image, Chip(NUMBERED), link, 6, "--hang", "3", cut=1)
    assert summary["watchdog_resets"] == 1
    resets = [status.reset for status in only(Status, messages)]
    assert resets[0] == Reset.POWER
    assert resets[-1] == Reset.WATCHDOG
    assert only(Batch, messages)[-1].index == pytest.approx(2.2 * 50, abs=20)


def test_a_bus_held_for_good_is_told(image: Image, link: Path) -> None:
    happenings = [at(1, hold_sda(10**9)), at(4, hold_sda(0))]
    messages, _ = run(image, Chip(NUMBERED), link, 8, happenings=happenings)
    troubles = [status.trouble for status in only(Status, messages)]
    assert Trouble.BUS_STUCK | Trouble.NO_ANSWER in troubles
    assert troubles[-1] == 0
    assert only(Batch, messages)[-1].index == pytest.approx(7.5 * 50, abs=30)


def test_it_tells_its_boots_apart_over_power_loss(avr: Image, link: Path) -> None:
    eeprom = ("--eeprom", str(link.with_name("eeprom")))
    for boot in (1, 2, 3):
        messages, _ = run(avr, Chip(NUMBERED), link, 2, *eeprom)
        assert {hello.boot for hello in only(Hello, messages)} == {boot}
        assert {status.reset for status in only(Status, messages)} == {Reset.POWER}


def test_without_its_interrupt_wire_it_still_sends_and_says_so(image: Image, link: Path) -> None:
    messages, _ = run(image, Chip(NUMBERED), link, 10, "--no-int")
    assert only(Status, messages)[-1].trouble == Trouble.NO_INTERRUPT
    assert sum(map(len, only(Batch, messages))) == pytest.approx(10 * 50, abs=40)


@pytest.mark.parametrize("rate_hz", [100, 200, 500])
def test_it_keeps_up_with_the_rates_it_takes(image: Image, link: Path, rate_hz: int) -> None:
    rate = command(Code.SET_RATE, rate_hz * 1000)
    happenings = [at(1, say(link, rate)), at(9, say(link, command(Code.STOP)))]
    messages, summary = run(image, Chip(NUMBERED), link, 10, happenings=happenings)
    hello = only(Hello, messages)[-1]
    assert hello.rate_mhz == rate_hz * 1000
    assert hello.index == summary["interrupts"]
    assert only(Status, messages)[-1].overflowed == 0
    steps = np.diff(sample_times(only(Batch, messages)[10:]))[-5 * rate_hz :]
    # An interrupt waits at most for another: a few microseconds, and none is missed.
    assert steps == pytest.approx(1e6 / rate_hz, abs=20)


@pytest.mark.usefixtures("avr")  # for the packages
def test_the_pro_mini_of_8_mhz_runs_too(tmp_path: Path, link: Path) -> None:
    slow = firmware.build_avr(tmp_path / "avr-8", mhz=8, baud=57600)
    messages, summary = run(slow, Chip(NUMBERED), link, 10)
    times = sample_times(only(Batch, messages))
    assert np.diff(times) == pytest.approx(20_000, abs=40)
    assert 0 <= summary["interrupts"] - len(times) <= 10  # a batch


def test_it_fits_with_room_for_its_stack(avr: Image, link: Path) -> None:
    flash, ram = (int(number) for number in re.findall(r"(\d+) of", avr.size))
    assert flash <= 8192
    assert ram <= 1024
    happenings = [at(2, silent(1)), at(4, hold_sda(6)), at(6, say(link, command(Code.STOP)))]
    _, summary = run(avr, Chip(NUMBERED), link, 8, happenings=happenings)
    assert summary["stack_bytes"] < (2048 - ram) / 2


def test_the_table_of_the_readme_can_be_made(avr: Image, tmp_path: Path) -> None:
    assert firmware_figures.row(avr, tmp_path, 100, 6).startswith("| 100 Hz | 0 of 4")
