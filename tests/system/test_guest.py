"""The arm64 guest: Debian's kernel and systemd, edgehar's wheel, sensors on real device files.

One guest for all tests here; each puts a new chip on the bus, or plays to the serial port. The chip
runs in real time, so the tests do.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.model.bundle import load, locate
from device.sources.mpu import fifo
from device.sources.mpu.bringup import ACC_FULL_SCALE_G, GYRO_FULL_SCALE_DPS
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Feed, Int64
from firmware_bridge.simulator.usb_i2c import UsbI2c
from firmware_bridge.simulator.wearer import Wearer
from tests.device.commands import edgehar, lines
from tests.system import guest as guests
from tests.system import images
from tests.system.debian import needs

pytestmark = pytest.mark.system

I2C = "i2c:0:0x68"
RATE_HZ, PERIOD_S = 50, 0.02
MEMORY_MB = 60
"""The daemon's budget."""
WORN = Wearer(seed=6).samples([("walking", 25.0), ("sitting", 12.0), ("walking_upstairs", 14.0)])[0]
TICKS = 20_000
ACC_LSB_G = ACC_FULL_SCALE_G / 32768
Put = Callable[[Feed], Chip]


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("usb") / "i2c.sock"


@pytest.fixture(scope="module")
def adapter(socket_path: Path) -> Iterator[UsbI2c]:
    with UsbI2c(Bus({0x68: Chip(feed.still)}), socket_path) as one:
        yield one


@pytest.fixture(scope="module")
def booted(
    adapter: UsbI2c,  # noqa: ARG001 -- it must listen before QEMU calls
    socket_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[guests.Guest]:
    needs(*guests.PACKAGES)
    folder = tmp_path_factory.mktemp("guest")
    with guests.Guest(images.make(folder), folder, socket_path) as one:
        yield one


@pytest.fixture
def guest(booted: guests.Guest) -> Iterator[guests.Guest]:
    """What it said is shown where a test fails."""
    yield booted
    booted.ask("systemctl stop edgehar")
    print(booted.log(), booted.tail(), sep="\n")


@pytest.fixture
def put(adapter: UsbI2c) -> Put:
    """Puts a new chip on the bus, moved by a feed."""

    def swap(moved: Feed) -> Chip:
        with adapter.lock:
            one = Chip(moved, now_us=adapter.bus.clock_us())
            adapter.bus.chips[0x68] = one
            adapter.bus.nack_share = 0.0
        return one

    return swap


def wait_until(true: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


def test_decisions_from_a_chip_are_those_made_here(
    guest: guests.Guest, put: Put, tmp_path: Path
) -> None:
    """The samples are the same to the last bit; their times are by the chip's clock as estimated.

    That moves the grid under the samples by a millisecond or two, so a probability by some 0.05.
    """
    table = feed.values(WORN)
    quantised = fifo.samples(
        WORN.t_s, feed.counts(table, ACC_FULL_SCALE_G, GYRO_FULL_SCALE_DPS), lost=0
    )
    here = classified(quantised, tmp_path / "quantised.csv")
    put(feed.by_index(table))
    guest.start(I2C, "wrist")
    # The last one here is of a window that ends with the recording; there, the chip goes on.
    wait_until(lambda: len(guest.decisions()) >= len(here), 90, "the whole recording")
    memory_mb = guest.memory_mb()
    source = guest.stop()["source"]
    assert source["samples"] >= len(WORN)
    assert not any(count for name, count in source.items() if name != "samples"), source
    assert memory_mb < MEMORY_MB
    agree(guest.decisions(), here[:-1], tolerance=0.15)


def test_decisions_from_a_serial_port_are_those_made_here(
    guest: guests.Guest, tmp_path: Path
) -> None:
    recording, sent = tmp_path / "worn.csv", tmp_path / "sent.csv"
    with RecordingWriter(recording) as writer:
        writer.write(WORN)
    guest.start("serial:/dev/ttyUSB0", "wrist")
    wait_until(lambda: "ready" in guest.log(), 30, "ready")
    port = ("--port", guest.serial_port, "--save", sent, "--speed", "4")
    played = edgehar("play", recording, *port)
    assert played.returncode == 0, played.stderr
    here = classified(read(sent)[0], tmp_path / "again.csv")
    wait_until(lambda: len(guest.decisions()) >= len(here) - 1, 30, "the whole recording")
    source = guest.stop()["source"]
    assert (source["samples"], source["lost"]) == (len(WORN), 0)
    agree(guest.decisions(), here[:-1], tolerance=0.05)


def test_times_stay_true_through_storms_and_a_pulled_plug(
    guest: guests.Guest, put: Put, adapter: UsbI2c, tmp_path: Path
) -> None:
    put(clock)
    guest.run(
        "systemd-run --quiet --unit=recording --property=StandardError=truncate:/run/edgehar.log "
        f"edgehar record --source {I2C} --out /run/recording.csv"
    )
    wait_until(lambda: "WHO_AM_I" in guest.log(), 20, "it reads")
    time.sleep(6)
    adapter.bus.nack_share = 1.0
    time.sleep(0.4)
    adapter.bus.nack_share = 0.1
    time.sleep(2)
    adapter.bus.nack_share = 0.0
    time.sleep(2)
    adapter.unplug()
    wait_until(lambda: "there is no /dev/i2c-0" in guest.log(), 20, "it notices")
    adapter.plug()
    wait_until(lambda: "is back" in guest.log(), 20, "it is back")
    time.sleep(5)
    guest.run("systemctl stop recording")
    recording = tmp_path / "recording.csv"
    recording.write_text(guest.run("cat /run/recording.csv"))

    samples, _ = read(recording)
    counts = np.rint(samples.acc_g / ACC_LSB_G)
    true_s = counts[:, 0] + counts[:, 1] / TICKS
    steps_s = np.diff(true_s)
    lost = [int(n) for n in re.findall(r"# (\d+) samples were lost", recording.read_text())]
    # All but the pulled plug is ridden out in the chip's FIFO.
    (hole,) = np.flatnonzero(steps_s > 1.5 * PERIOD_S)
    assert np.delete(steps_s, hole) == pytest.approx(PERIOD_S, abs=1e-6)
    # What the chip would have taken while nobody could ask it is reckoned from its rate.
    assert lost == [pytest.approx(steps_s[hole] / PERIOD_S - 1, abs=2)]
    # Told apart from its neighbours each one is; 7 ms were seen, on this bus of milliseconds.
    assert np.ptp(samples.t_s - true_s) < PERIOD_S


def test_a_chip_that_is_not_there_yet_and_one_whose_supply_dips(
    guest: guests.Guest, put: Put, adapter: UsbI2c
) -> None:
    chip = put(feed.by_time(feed.values(WORN), RATE_HZ))
    chip.absent = True
    guest.start(I2C, "waist")
    wait_until(lambda: "no_data" in states(guest), 30, "no data")
    assert "nothing answers at 0x68 on /dev/i2c-0" in guest.log()
    chip.absent = False
    wait_until(lambda: "ok" in states(guest), 30, "an activity")
    adapter.brown_out()
    wait_until(lambda: "did its supply fail?" in guest.log(), 30, "the dip is noticed")
    before = len(guest.decisions())
    wait_until(lambda: "ok" in states(guest)[before:], 30, "an activity again")
    source = guest.stop()["source"]
    assert source["restarts"] == 1
    assert 0 < source["lost"] < 3 * RATE_HZ
    assert states(guest)[0] == "no_data"


def test_an_adapter_pulled_out_and_put_back(guest: guests.Guest, put: Put, adapter: UsbI2c) -> None:
    put(feed.by_time(feed.values(WORN), RATE_HZ))
    guest.start(I2C, "waist")
    wait_until(lambda: "ok" in states(guest), 30, "an activity")
    adapter.unplug()
    wait_until(lambda: "no_data" in states(guest), 30, "no data")
    adapter.plug()
    wait_until(lambda: states(guest)[-1] == "ok", 40, "an activity again")
    report = guest.stop()
    assert report["source"]["reopened"] == 1
    assert {"bus errors", "no data"} <= set(report["problems"])
    # What went missing is told with the decision that it touches.
    told = sum(one["lost"] for one in guest.decisions())
    assert told == report["source"]["lost"] > 2 * RATE_HZ
    order = " ".join(states(guest))
    assert re.fullmatch("(warming_up )+(ok )+no_data( warming_up)+( ok)+", order), order


def clock(_: Int64, t_s: Float64) -> Float64:
    """Feed the chip its own true time, in counts: acc x has the seconds, acc y the rest."""
    seconds = np.floor(t_s + 1e-9)
    table = np.zeros((len(t_s), 6))
    table[:, 0], table[:, 1] = ACC_LSB_G * seconds, ACC_LSB_G * np.rint(TICKS * (t_s - seconds))
    return table


def states(guest: guests.Guest) -> list[str]:
    return [one["state"] for one in guest.decisions()]


def classified(samples: Samples, path: Path) -> list[dict[str, Any]]:
    with RecordingWriter(path) as writer:
        writer.write(samples)
    return lines(edgehar("classify", path, "--model", "wrist").stdout)


def agree(there: list[dict[str, Any]], here: list[dict[str, Any]], tolerance: float) -> None:
    """Hold decisions against those made here.

    Where one is within 0.05 of the threshold of `unknown`, the other may be on its other side.
    """
    threshold = load(locate("wrist")).decision.unknown_threshold
    clear = [abs((one["confidence"] or 0) - threshold) > 0.05 for one in here]
    assert len(here) > 25
    assert np.mean(clear) > 0.8
    assert len({one["activity"] for one in here}) > 2
    assert len(there) >= len(here)
    for far, near, certain in zip(there, here, clear, strict=False):
        if certain:
            told = ("state", "activity", "lost", "model")
            assert [far[key] for key in told] == [near[key] for key in told]
        assert far["end_s"] - there[0]["start_s"] == pytest.approx(near["end_s"], abs=1e-5)
        for label, share in (near["probabilities"] or {}).items():
            assert far["probabilities"][label] == pytest.approx(share, abs=tolerance)
