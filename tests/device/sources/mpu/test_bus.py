"""Adapters differ in the longest read and in their errors."""

import errno
import os
from contextlib import suppress
from typing import Any

import pytest
from smbus2 import I2cFunc, i2c_msg

from device.sources.mpu import bus as bus_module
from device.sources.mpu.bus import Bus, cannot_open
from device.sources.mpu.registers import FIFO_R_W, INT_STATUS


class Adapter:
    """Stand-in for smbus2.SMBus: an adapter with a limit, and a chip whose bytes count up."""

    longest = 8192
    says = errno.EOPNOTSUPP
    takes = False
    """A refused read still takes its bytes from the chip."""
    funcs = I2cFunc.I2C | I2cFunc.SMBUS_EMUL

    def __init__(self) -> None:
        self.count = 0
        self.who = [0x71]
        self.reads: list[int] = []

    def open(self, number: int) -> None:
        assert number == 1

    def close(self) -> None:
        """Nothing is open."""

    def _next(self, count: int) -> bytes:
        self.reads.append(count)
        data = bytes((self.count + k) % 256 for k in range(count))
        if count > self.longest:
            self.count += count if self.takes else 0
            raise OSError(self.says, os.strerror(self.says))
        self.count += count
        return data

    def i2c_rdwr(self, *messages: i2c_msg) -> None:
        write, read = messages  # the Raspberry Pi's controller can do no more
        assert (write.flags, read.flags) == (0, 1)
        for k, byte in enumerate(self._next(read.len)):
            read.buf[k] = byte

    def read_i2c_block_data(self, _: int, __: int, count: int) -> list[int]:
        assert count <= 32
        return list(self._next(count))

    def read_byte_data(self, *_: int) -> int:
        return self.who.pop(0) if len(self.who) > 1 else self.who[0]


def opened(monkeypatch: pytest.MonkeyPatch, **limits: Any) -> tuple[Bus, Adapter]:
    adapter = Adapter()
    for name, value in limits.items():
        setattr(adapter, name, value)
    monkeypatch.setattr(bus_module, "SMBus", lambda: adapter)
    return Bus(1, 0x68), adapter


@pytest.mark.parametrize("longest", [12, 32, 255])
def test_a_refused_read_is_done_in_parts(monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    bus, adapter = opened(monkeypatch, longest=longest)
    for start in (0, 1020):
        assert bus.read(FIFO_R_W, 1020) == bytes(k % 256 for k in range(start, start + 1020))
    # The second time no read is too long.
    assert max(adapter.reads[-10:]) <= longest
    assert all(count % 12 == 0 for count in adapter.reads)


def test_repeated_failures_of_long_reads_shorten_them(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, adapter = opened(monkeypatch, longest=64, says=errno.EIO, takes=True)
    for _ in range(20):
        with suppress(OSError):
            bus.read(FIFO_R_W, 144)
        bus.read(INT_STATUS, 9)
    assert len(bus.read(FIFO_R_W, 144)) == 144
    assert adapter.reads[-1] <= 64


def test_a_bus_without_plain_messages_is_read_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, adapter = opened(monkeypatch, funcs=I2cFunc.SMBUS_READ_I2C_BLOCK, longest=32)
    assert len(bus.read(FIFO_R_W, 240)) == 240
    assert set(adapter.reads) == {24}
    assert len(bus.read(INT_STATUS, 15)) == 15


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOENT, "raspi-config"), (errno.EACCES, "group"), (errno.EIO, "EIO")],
)
def test_the_reason_why_a_bus_cannot_be_opened(number: int, words: str) -> None:
    reason = cannot_open(OSError(number, os.strerror(number)), 3)
    assert "/dev/i2c-3" in reason
    assert words in reason
    assert "\n" not in reason


def test_a_kernel_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, _ = opened(monkeypatch)
    reason = bus.explain_silence(OSError(errno.EBUSY, "Device or resource busy"))
    assert "/sys/bus/i2c/devices/1-0068/driver" in reason


@pytest.mark.parametrize(
    ("who_am_i", "name"),
    [([0x68], "MPU-6050"), ([0x70], "MPU-6500"), ([0x72], "MPU-6050"), ([0x98], "MPU-6500"),
     ([0xFF, 0x00, 0x73], "MPU-9250")],
)  # fmt: skip
def test_models_by_who_am_i(
    monkeypatch: pytest.MonkeyPatch, who_am_i: list[int], name: str
) -> None:
    bus, _ = opened(monkeypatch, who=list(who_am_i))
    last, model = bus.identify()
    assert (last, model.name) == (who_am_i[-1], name)
