"""An I2C bus with chips on it: what a transfer does, what it costs on the wire, how it fails."""

import errno
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from firmware_bridge.simulator.chip import Chip

BITS_A_BYTE = 9
"""Eight and the acknowledge."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a transfer, from its start condition to the next."""

    address: int
    data: bytes | None = None
    """To write, from none up; None: a read."""
    count: int = 0
    """Bytes to read."""


@dataclass(slots=True)
class Traffic:
    """What went over the wire; transfers that failed included."""

    transfers: int = 0
    messages: int = 0
    data_bytes: int = 0
    """Besides the addresses."""
    failed: int = 0
    """Transfers."""

    def bits(self) -> int:
        """Clock pulses and conditions: 9 a byte, one a start, one a stop."""
        byte_count = self.messages + self.data_bytes
        return byte_count * BITS_A_BYTE + self.messages + self.transfers

    def busy_s(self, clock_hz: float) -> float:
        """Time on a wire of this speed (100 kHz, 400 kHz), clock stretching aside."""
        return self.bits() / clock_hz


def monotonic_us() -> int:
    """Return µs on the system's monotonic clock."""
    return time.monotonic_ns() // 1000


class Bus:
    """Chips by their address, on one clock. Faults are attributes."""

    def __init__(
        self, chips: Mapping[int, Chip], clock_us: Callable[[], int] = monotonic_us, seed: int = 0
    ) -> None:
        """Wire chips up."""
        self.chips = dict(chips)
        self.clock_us = clock_us
        self.traffic = Traffic()
        self.fault_errno = 0
        """While set, every transfer fails so: what a broken adapter does."""
        self.nack_share = 0.0
        """Of messages, refused at random: what a bad wire does."""
        self.nack_errno = errno.EREMOTEIO
        """What the adapter says of a NACK: i2c-bcm2835 EREMOTEIO, others ENXIO or EIO."""
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def transfer(self, messages: Sequence[Message]) -> bytes:
        """Do the messages in one transaction; return what they read, joined. Raises OSError."""
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
        """Do one message; return what it reads, or None for a NACK."""
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
