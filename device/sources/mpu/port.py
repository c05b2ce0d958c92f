"""A chip that answers, and what is done with it whatever its samples are for."""

import time
from collections.abc import Callable
from typing import Protocol

from device.sources.mpu import bringup, registers
from device.sources.mpu.bringup import Write
from device.sources.mpu.registers import Model


class Port(Protocol):
    """Registers of one chip. Each call may raise OSError with any number: adapters differ."""

    def read(self, register: int, count: int) -> bytes:
        """Read `count` bytes from a register on; the FIFO's port gives the next bytes of it."""

    def write(self, register: int, value: int) -> None:
        """Write one register."""


class ChipLostError(Exception):
    """The chip answers but has to be started anew; the message says why."""


def carry_out(
    port: Port, writes: tuple[Write, ...], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Write registers in order, with the waits that they ask for."""
    for write in writes:
        port.write(write.register, write.value)
        if write.wait_s:
            sleep(write.wait_s)


def bring_up(
    port: Port, model: Model, rate_hz: int, sleep: Callable[[float], None] = time.sleep
) -> dict[int, int]:
    """Reset a chip and set it up; return what its registers hold from then on.

    Raises ChipLostError if they do not, OSError.
    """
    settings = bringup.settings(model, rate_hz)
    for writes in (bringup.RESET, settings):
        carry_out(port, writes, sleep)
    kept = bringup.must_read(bringup.RESET, settings)
    verify(port, kept)
    return kept


def verify(port: Port, kept: dict[int, int]) -> None:
    """Raise ChipLostError unless the registers hold these values."""
    for first, last in ((registers.SMPLRT_DIV, registers.FIFO_EN), (0x6A, 0x6C)):
        found = port.read(first, last - first + 1)
        for register, value in kept.items():
            if first <= register <= last and found[register - first] != value:
                raise ChipLostError(
                    f"register 0x{register:02x} holds 0x{found[register - first]:02x} where"
                    f" 0x{value:02x} was written (did its supply fail?)"
                )
