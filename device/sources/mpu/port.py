"""Access to one chip's registers: set up and verify."""

from collections.abc import Callable
from typing import Protocol

from device.sources.mpu import bringup, registers
from device.sources.mpu.registers import Model


class Port(Protocol):
    """Registers of one chip. Each call may raise OSError; its number depends on the adapter."""

    def read(self, register: int, count: int) -> bytes:
        """Read `count` bytes from a register on; FIFO_R_W gives the next bytes of the FIFO."""

    def write(self, register: int, value: int) -> None:
        """Write one register."""


class ChipLostError(Exception):
    """The chip answers but needs a new start; the message gives the reason."""


def bring_up(
    port: Port, model: Model, rate_hz: int, sleep: Callable[[float], None]
) -> dict[int, int]:
    """Reset a chip and set it up; return its registers' values.

    Raises ChipLostError if a register does not hold its value, OSError.
    """
    settings = bringup.settings(model, rate_hz)
    for write in (*bringup.RESET, *settings):
        port.write(write.register, write.value)
        if write.wait_s:
            sleep(write.wait_s)
    expected = bringup.expected(bringup.RESET, settings)
    verify(port, expected)
    return expected


def verify(port: Port, expected: dict[int, int]) -> None:
    """Raise ChipLostError unless the registers hold these values."""
    for first, last in ((registers.SMPLRT_DIV, registers.FIFO_EN), (0x6A, 0x6C)):
        values = port.read(first, last - first + 1)
        for register, value in expected.items():
            if first <= register <= last and values[register - first] != value:
                raise ChipLostError(
                    f"register 0x{register:02x} holds 0x{values[register - first]:02x} where"
                    f" 0x{value:02x} was written (did its supply fail?)"
                )
