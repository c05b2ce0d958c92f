"""Messages between a microcontroller and the board, and their bytes. See PROTOCOL.md."""

import math
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Samples

VERSION = 1
MAX_BATCH = 32
"""Samples in a frame."""
SAMPLE = np.dtype([("dt_us", "<u2"), ("acc", "<i2", 3), ("gyro", "<i2", 3)])
"""A sample on the wire: µs since the sample before it in the frame (first: 0), raw counts."""
HEADER = struct.Struct("<BHII")
"""Type, frame number, device clock in µs (low 32 bits), index; the same in every version."""
MAX_CONTENT = HEADER.size + MAX_BATCH * SAMPLE.itemsize
"""Bytes of the longest message."""
MAX_UPTIME_US = 1 << 53
"""285 years: the most µs that a float counts one by one."""

UNKNOWN_TEMPERATURE = -0x8000
"""In a Status: the temperature has not been read yet."""
HELLO = struct.Struct("<BBBHIQH")
"""Body of a Hello, before the firmware's name."""
STATUS = struct.Struct("<IHHhBB")
COMMAND = struct.Struct("<BI")
FIRMWARE_BYTES = 16


class Type(IntEnum):
    """The first byte of a message. Types from 16 on go from the board to the microcontroller."""

    HELLO = 1
    BATCH = 2
    STATUS = 3
    COMMAND = 16


class Code(IntEnum):
    """The request in a Command."""

    HELLO = 1
    START = 2
    STOP = 3
    SET_RATE = 4
    """The argument is the rate in mHz."""


class Reset(IntFlag):
    """Why the device last restarted; 0 if unknown."""

    POWER = 1
    PIN = 2
    BROWN_OUT = 4
    WATCHDOG = 8


class Trouble(IntFlag):
    """The sensor's present faults."""

    NO_INTERRUPT = 1
    """The INT pin is silent although the sensor takes samples: not wired. Times are estimated."""
    NO_ANSWER = 2
    """The sensor does not answer on the bus."""
    WRONG_CHIP = 4
    """A chip answers, but the firmware does not know its WHO_AM_I."""
    BUS_STUCK = 8
    """SDA or SCL is held low, and clocking did not free it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Describes the device. Sent at start, on request, every 2 s and at the end of a stream."""

    seq: int
    index: int
    """Samples sent since boot in frames before this one (32 bit)."""
    firmware: str
    chip: int
    """WHO_AM_I of the sensor: 0x68 for an MPU-6050."""
    acc_full_scale_g: int
    gyro_full_scale_dps: int
    rate_mhz: int
    """Nominal sample rate in millihertz."""
    uptime_us: int
    """Device clock at this message, µs since boot (64 bit)."""
    boot: int
    """Boot counter (16 bit), which reveals a reboot; always 0 if the device has none."""

    @property
    def acc_g_per_count(self) -> float:
        """Accelerometer LSB in g."""
        return self.acc_full_scale_g / 32768

    @property
    def gyro_rad_s_per_count(self) -> float:
        """Gyroscope LSB in rad/s."""
        return self.gyro_full_scale_dps / 32768 * math.pi / 180

    def samples(self, t_us: NDArray[np.int64], raw: NDArray[np.void], lost: int = 0) -> Samples:
        """Convert SAMPLEs, `raw`, taken at `t_us`, to physical units."""
        acc_g = raw["acc"] * self.acc_g_per_count
        return Samples(t_us / 1e6, acc_g, raw["gyro"] * self.gyro_rad_s_per_count, lost)


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """A hello of a protocol version that this program does not support."""

    protocol: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive samples."""

    seq: int
    time_us: int
    """Device clock at the first sample, µs, low 32 bits."""
    index: int
    """Samples taken since boot before the first sample of this batch (32 bit)."""
    samples: bytes
    """As on the wire, see SAMPLE; raw, so that many batches are converted together."""

    def __len__(self) -> int:
        return len(self.samples) // SAMPLE.itemsize


@dataclass(frozen=True, slots=True)
class Status:
    """The device's health. Sent after each hello; its counters start at 0 at boot."""

    seq: int
    time_us: int
    """Device clock, µs, low 32 bits."""
    index: int
    overflowed: int
    """Samples that the sensor took and the device had no time to read (`index` counts them too)."""
    bus_faults: int
    """Failed transfers, including those that were retried."""
    chip_restarts: int
    """Times that the sensor was set up again after the first set-up."""
    temperature_c: float | None
    """Of the sensor, to 0.01; None if unknown."""
    reset: Reset
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Command:
    """A request to the device."""

    code: int
    argument: int = 0


Message = Hello | OtherVersion | Batch | Status | Command


def signed32(difference: int) -> int:
    """Return the difference of two 32-bit counters, -2**31 to 2**31 - 1, right when they wrap."""
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def pack(message: Hello | Batch | Status | Command) -> bytes:
    """Return a message's header and body, without CRC; raises ValueError, struct.error."""
    match message:
        case Batch():
            if not 0 < len(message) <= MAX_BATCH or len(message.samples) % SAMPLE.itemsize:
                raise ValueError(f"a batch has 1 to {MAX_BATCH} whole samples")
            header = HEADER.pack(Type.BATCH, message.seq, message.time_us, message.index)
            return header + message.samples
        case Hello():
            low_us = message.uptime_us & 0xFFFFFFFF
            header = HEADER.pack(Type.HELLO, message.seq, low_us, message.index)
            scales = message.acc_full_scale_g, message.gyro_full_scale_dps
            clock = message.rate_mhz, message.uptime_us, message.boot
            body = HELLO.pack(VERSION, message.chip, *scales, *clock)
            return header + body + message.firmware.encode()[:FIRMWARE_BYTES]
        case Status():
            header = HEADER.pack(Type.STATUS, message.seq, message.time_us, message.index)
            counts = message.overflowed, message.bus_faults, message.chip_restarts
            celsius = message.temperature_c
            centi_c = UNKNOWN_TEMPERATURE if celsius is None else round(100 * celsius)
            return header + STATUS.pack(*counts, centi_c, message.reset, message.trouble)
        case Command():
            return HEADER.pack(Type.COMMAND, 0, 0, 0) + COMMAND.pack(message.code, message.argument)


def unpack(content: bytes) -> Message | None:
    """Return the message in `content`; None if its type is unknown or its body malformed."""
    if len(content) < HEADER.size:
        return None
    kind, seq, time_us, index = HEADER.unpack_from(content)
    body = content[HEADER.size :]
    if kind == Type.BATCH:
        whole = 0 < len(body) <= MAX_BATCH * SAMPLE.itemsize and not len(body) % SAMPLE.itemsize
        return Batch(seq, time_us, index, body) if whole else None
    if kind == Type.HELLO and body:
        return _unpack_hello(seq, index, body)
    if kind == Type.STATUS and len(body) == STATUS.size:
        return _unpack_status(seq, time_us, index, body)
    if kind == Type.COMMAND and len(body) == COMMAND.size:
        return Command(*COMMAND.unpack(body))
    return None


def _unpack_hello(seq: int, index: int, body: bytes) -> Hello | OtherVersion | None:
    # The version comes first, so that every version of this program can read it.
    if body[0] != VERSION:
        return OtherVersion(body[0])
    if not HELLO.size <= len(body) <= HELLO.size + FIRMWARE_BYTES:
        return None
    _, chip, acc_g, gyro_dps, rate_mhz, uptime_us, boot = HELLO.unpack_from(body)
    if not (acc_g and gyro_dps and rate_mhz) or uptime_us > MAX_UPTIME_US:
        return None
    firmware = body[HELLO.size :].decode("ascii", "replace")
    return Hello(seq, index, firmware, chip, acc_g, gyro_dps, rate_mhz, uptime_us, boot)


def _unpack_status(seq: int, time_us: int, index: int, body: bytes) -> Status:
    overflowed, bus_faults, chip_restarts, centi_c, reset, trouble = STATUS.unpack(body)
    counts = overflowed, bus_faults, chip_restarts
    celsius = None if centi_c == UNKNOWN_TEMPERATURE else centi_c / 100
    return Status(seq, time_us, index, *counts, celsius, Reset(reset), Trouble(trouble))
