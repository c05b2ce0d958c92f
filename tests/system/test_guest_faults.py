"""Faults of the arm64 guest's sensor and wires: messages, losses, recovery."""

import re
from pathlib import Path

import numpy as np
import pytest

from device.sources.mpu.bringup import ACC_FULL_SCALE_G
from firmware_bridge.recording import read
from firmware_bridge.samples import Float64
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.feed import Int64
from tests.stand_ins.usb_i2c import UsbI2c
from tests.system.guest import Guest, wait_until
from tests.system.test_guest import I2C, WORN, Put
from tests.waiting import wait_for

pytestmark = pytest.mark.system

RATE_HZ, PERIOD_S = 50, 0.02
TICKS = 20_000
ACC_LSB_G = ACC_FULL_SCALE_G / 32768


def clock(_: Int64, t_s: Float64) -> Float64:
    """Feed the chip its true time, in counts: acc x has the seconds, acc y the rest."""
    seconds = np.floor(t_s + 1e-9)
    # Samples are taken at whole microseconds, 0.02 ticks, so no sample is near this rounding edge.
    ticks = np.floor(TICKS * (t_s - seconds) + 0.49)
    table = np.zeros((len(t_s), 6))
    table[:, 0], table[:, 1] = ACC_LSB_G * seconds, ACC_LSB_G * ticks
    return table


def test_times_stay_true_through_storms_and_a_pulled_plug(
    guest: Guest, put: Put, adapter: UsbI2c, tmp_path: Path
) -> None:
    put(clock)
    guest.run(
        "systemd-run --quiet --unit=recording --property=StandardError=truncate:/run/edgehar.log "
        f"edgehar record --source {I2C} --out /run/recording.csv"
    )
    wait_until(lambda: "WHO_AM_I" in guest.log(), "it reads", 20)
    sleep_chip_time(adapter, 6.0)
    adapter.bus.nack_share = 1.0
    sleep_chip_time(adapter, 0.4)
    adapter.bus.nack_share = 0.1
    sleep_chip_time(adapter, 2.0)
    adapter.bus.nack_share = 0.0
    sleep_chip_time(adapter, 2.0)
    adapter.unplug()
    wait_until(lambda: "there is no /dev/i2c-0" in guest.log(), "it notices", 20)
    adapter.plug()
    wait_until(lambda: "is back" in guest.log(), "it is back", 20)
    sleep_chip_time(adapter, 5.0)
    guest.run("systemctl stop recording")
    recording = tmp_path / "recording.csv"
    recording.write_text(guest.run("cat /run/recording.csv"))

    samples, _ = read(recording)
    counts = np.rint(samples.acc_g / ACC_LSB_G)
    true_s = counts[:, 0] + counts[:, 1] / TICKS
    steps_s = np.diff(true_s)
    lost = [int(n) for n in re.findall(r"# (\d+) samples were lost", recording.read_text())]
    # The chip's FIFO bridges every fault except the pulled plug.
    (hole,) = np.flatnonzero(steps_s > 1.5 * PERIOD_S)
    assert np.delete(steps_s, hole) == pytest.approx(PERIOD_S, abs=1e-6)
    # The number of samples taken without the adapter follows from the rate.
    assert lost == [pytest.approx(steps_s[hole] / PERIOD_S - 1, abs=2)]
    # Each time is nearest to its own sample; 7 ms were seen, on a bus with delays of milliseconds.
    assert np.ptp(samples.t_s - true_s) < PERIOD_S


def test_a_chip_that_appears_later_and_loses_its_supply(
    guest: Guest, put: Put, adapter: UsbI2c
) -> None:
    chip = put(feed.by_time(feed.values(WORN), RATE_HZ))
    chip.absent = True
    guest.start(I2C, "waist")
    wait_until(lambda: "no_data" in states(guest), "no data", 30)
    assert "nothing answers at 0x68 on /dev/i2c-0" in guest.log()
    chip.absent = False
    wait_until(lambda: "ok" in states(guest), "an activity", 30)
    adapter.brown_out()
    wait_until(lambda: "did its supply fail?" in guest.log(), "the brown-out is detected", 30)
    before = len(guest.decisions())
    wait_until(lambda: "ok" in states(guest)[before:], "an activity again", 30)
    source = guest.stop()["source"]
    assert source["restarts"] >= 1
    assert 0 < source["lost"] < 5 * RATE_HZ
    assert states(guest)[0] == "no_data"


def test_an_adapter_pulled_out_and_put_back(guest: Guest, put: Put, adapter: UsbI2c) -> None:
    put(feed.by_time(feed.values(WORN), RATE_HZ))
    guest.start(I2C, "waist")
    wait_until(lambda: "ok" in states(guest), "an activity", 30)
    adapter.unplug()
    wait_until(lambda: "no_data" in states(guest), "no data", 30)
    adapter.plug()
    wait_until(lambda: states(guest)[-1] == "ok", "an activity again", 40)
    report = guest.stop()
    assert report["source"]["reopened"] >= 1
    assert {"bus errors", "no data"} <= set(report["problems"])
    # Each lost sample counts in one decision.
    lost = sum(one["lost"] for one in guest.decisions())
    assert lost == report["source"]["lost"] > 2 * RATE_HZ
    order = " ".join(states(guest))
    assert re.fullmatch("(warming_up )+(ok )+no_data( warming_up)+( ok)+", order), order


def sleep_chip_time(adapter: UsbI2c, seconds: float) -> None:
    """Wait for a time on the chip's clock."""
    end_us = adapter.bus.clock_us() + round(1e6 * seconds)
    wait_for(lambda: adapter.bus.clock_us() >= end_us, "time on the chip's clock", seconds + 30)


def states(guest: Guest) -> list[str]:
    return [one["state"] for one in guest.decisions()]
