"""Shared parts: firmware images; one guest, a USB I2C adapter in it, a chip on its bus."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_bridge.simulator import feed
from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Feed
from firmware_bridge.simulator.noise import Noise
from tests.stand_ins import firmware
from tests.stand_ins.firmware import Image
from tests.stand_ins.usb_i2c import UsbI2c
from tests.system import guest as guests
from tests.system import images
from tests.system.debian import needs


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
    built: Image = request.getfixturevalue(request.param)
    return built


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """The path of a simulator's serial port."""
    return tmp_path / "port"


@pytest.fixture(scope="session")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("usb") / "i2c.sock"


@pytest.fixture(scope="session")
def adapter(socket_path: Path) -> Iterator[UsbI2c]:
    with UsbI2c(Bus({0x68: Chip(feed.still)}), socket_path) as one:
        yield one


@pytest.fixture(scope="session")
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
    """If a test fails, pytest shows the guest's log and console."""
    yield booted
    booted.ask("systemctl stop edgehar")
    print(booted.log(), booted.tail(), sep="\n")


@pytest.fixture
def put(adapter: UsbI2c) -> Callable[..., Chip]:
    """Puts a new chip on the bus, moved by a feed."""

    def swap(moved: Feed, noise: Noise | None = None) -> Chip:
        with adapter.lock:
            one = Chip(moved, noise=noise, now_us=adapter.bus.clock_us())
            adapter.bus.chips[0x68] = one
            adapter.bus.nack_share = 0.0
        return one

    return swap
