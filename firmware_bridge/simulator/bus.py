"""An I2C bus with chips: transfers, their cost on the wire, and their faults."""

import errno
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from firmware_bridge.simulator.chip import Chip

BITS_A_BYTE = 9
"""Eight and the acknowledgement."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a transfer: from a start condition to the next one."""

    address: int
    data: bytes | None = None
    """Bytes to write, perhaps none; None: a read."""
    count: int = 0
    """Bytes to read."""


@dataclass(slots=True)
class Traffic:
    """Counts of the bytes on the wire, failed transfers included."""

    transfers: int = 0
    messages: int = 0
    data_bytes: int = 0
    """Without the address bytes."""
    failed: int = 0
    """Failed transfers."""

    def bits(self) -> int:
        """Return clock pulses and conditions: 9 a byte, 1 a start, 1 a stop."""
        byte_count = self.messages + self.data_bytes
        return byte_count * BITS_A_BYTE + self.messages + self.transfers

    def busy_s(self, clock_hz: float) -> float:
        """Return the time on a wire of this speed (100 kHz, 400 kHz), without clock stretching."""
        return self.bits() / clock_hz


def monotonic_us() -> int:
    """Return µs on the system's monotonic clock."""
    return time.monotonic_ns() // 1000


class Bus:
    """Chips by address, on one clock. Faults are attributes."""

    def __init__(
        self, chips: Mapping[int, Chip], clock_us: Callable[[], int] = monotonic_us, seed: int = 0
    ) -> None:
        self.chips = dict(chips)
        self.clock_us = clock_us
        self.traffic = Traffic()
        self.fault_errno = 0
        """While set, every transfer fails with it, as with a broken adapter."""
        self.nack_share = 0.0
        """Share of messages that get a NACK at random, as with a bad wire."""
        self.nack_errno = errno.EREMOTEIO
        """The adapter's error for a NACK: EREMOTEIO from i2c-bcm2835, ENXIO or EIO from others."""
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def transfer(self, messages: Sequence[Message]) -> bytes:
        """Carry out one transaction; return the bytes read, joined. Raises OSError."""
        self.traffic.transfers += 1
        now_us = self.clock_us()
        if self.fault_errno:
            self._fail(self.fault_errno)
        if any(chip.sda_low_clocks for chip in self.chips.values()):
            self._fail(errno.ETIMEDOUT)
        out = b""
        for message in messages:
            answer = self.message(message, now_us)
            if answer is None:
                self._fail(self.nack_errno)
            out += answer
        return out

    def message(self, message: Message, now_us: int) -> bytes | None:
        """Carry out one message; return the bytes read, or None for a NACK."""
        self.traffic.messages += 1
        chip = self.chips.get(message.address)
        if chip is None or self._random.random() < self.nack_share:
            return None
        if message.data is None:
            answer = chip.read(message.count, now_us)
        else:
            answer = b"" if chip.write(message.data, now_us) else None
        if answer is not None:
            self.traffic.data_bytes += len(answer) + len(message.data or b"")
        return answer

    def _fail(self, number: int) -> NoReturn:
        self.traffic.failed += 1
        raise OSError(number, os.strerror(number))
