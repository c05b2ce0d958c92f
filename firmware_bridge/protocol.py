"""Messages between a microcontroller and the board, and their bytes. PROTOCOL.md has the prose."""

import math
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np

VERSION = 1
MAX_BATCH = 32
"""Samples in a frame."""
SAMPLE = np.dtype([("dt_us", "<u2"), ("acc", "<i2", 3), ("gyro", "<i2", 3)])
"""A sample on the wire: µs since the one before it in the frame (first: 0), raw counts."""
HEADER = struct.Struct("<BHII")
"""Type, sequence number of the frame, device clock in µs (low 32 bits), index; in all versions."""
MAX_CONTENT = HEADER.size + MAX_BATCH * SAMPLE.itemsize
"""Bytes of the longest message."""
MAX_UPTIME_US = 1 << 53
"""285 years: the µs that a float of seconds can carry."""

UNKNOWN_TEMPERATURE = -0x8000
"""In a Status: the chip has not been asked yet."""
HELLO = struct.Struct("<BBBHIQH")
"""Body of a Hello, before the firmware's name."""
STATUS = struct.Struct("<IHHhBB")
COMMAND = struct.Struct("<BI")
FIRMWARE_BYTES = 16


class Type(IntEnum):
    """The first byte of a message; from 16 on they go from the board to the microcontroller."""

    HELLO = 1
    BATCH = 2
    STATUS = 3
    COMMAND = 16


class Code(IntEnum):
    """What a Command asks for."""

    HELLO = 1
    START = 2
    STOP = 3
    SET_RATE = 4
    """The argument is the rate in mHz."""


class Reset(IntFlag):
    """Why the device last began anew; 0 where it cannot tell."""

    POWER = 1
    PIN = 2
    BROWN_OUT = 4
    WATCHDOG = 8


class Trouble(IntFlag):
    """What is wrong with the sensor at this moment."""

    NO_INTERRUPT = 1
    """Its INT pin is silent though it takes samples: not wired. Times are estimated."""
    NO_ANSWER = 2
    """It does not answer on the bus."""
    WRONG_CHIP = 4
    """Something answers, whose WHO_AM_I is none that the firmware knows."""
    BUS_STUCK = 8
    """SDA or SCL is held low, and clocking did not free it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What the device is. Sent at start, on request, every 2 s and at the end of a stream."""

    seq: int
    index: int
    """Samples since boot (32 bit) that went out in frames before this one."""
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
    """Boot counter (16 bit), by which a reboot shows; always 0 where the device keeps none."""

    @property
    def acc_g_per_count(self) -> float:
        """Accelerometer LSB in g."""
        return self.acc_full_scale_g / 32768

    @property
    def gyro_rad_s_per_count(self) -> float:
        """Gyroscope LSB in rad/s."""
        return self.gyro_full_scale_dps / 32768 * math.pi / 180


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """A hello of a protocol version that this program does not speak."""

    seq: int
    protocol: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive samples."""

    seq: int
    time_us: int
    """Device clock at the first sample, µs, low 32 bits."""
    index: int
    """Samples taken since boot before the first one here (32 bit)."""
    samples: bytes
    """As on the wire, see SAMPLE; kept raw so that many batches are converted in one go."""

    def __len__(self) -> int:
        return len(self.samples) // SAMPLE.itemsize


@dataclass(frozen=True, slots=True)
class Status:
    """How the device is. Sent after each hello; its counters begin at 0 with a boot."""

    seq: int
    time_us: int
    """Device clock, µs, low 32 bits."""
    index: int
    overflowed: int
    """Samples that the sensor took and the device had no time for (they are in `index` too)."""
    bus_faults: int
    """Transfers that failed, retried ones too."""
    chip_restarts: int
    """Times that the sensor was set up anew after the first."""
    temperature_c: float | None
    """Of the sensor, to 0.01; None if not known."""
    reset: Reset
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Command:
    """A request to the device."""

    code: int
    argument: int = 0


Message = Hello | OtherVersion | Batch | Status | Command


def signed32(difference: int) -> int:
    """Return the difference of two 32-bit counters as -2**31 to 2**31 - 1, safe when they wrap."""
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def pack(message: Hello | Batch | Status | Command) -> bytes:
    """Return a message's bytes: header and body, without CRC. struct.error if out of range."""
    match message:
        case Batch():
            if not 0 < len(message) <= MAX_BATCH or len(message.samples) % SAMPLE.itemsize:
                raise ValueError(f"a batch has 1 to {MAX_BATCH} whole samples")
            header = (Type.BATCH, message.seq, message.time_us, message.index)
            return HEADER.pack(*header) + message.samples
        case Hello():
            header = (Type.HELLO, message.seq, message.uptime_us & 0xFFFFFFFF, message.index)
            body = HELLO.pack(
                VERSION,
                message.chip,
                message.acc_full_scale_g,
                message.gyro_full_scale_dps,
                message.rate_mhz,
                message.uptime_us,
                message.boot,
            )
            return HEADER.pack(*header) + body + message.firmware.encode()[:FIRMWARE_BYTES]
        case Status():
            header = (Type.STATUS, message.seq, message.time_us, message.index)
            celsius = message.temperature_c
            body = STATUS.pack(
                message.overflowed,
                message.bus_faults,
                message.chip_restarts,
                UNKNOWN_TEMPERATURE if celsius is None else round(100 * celsius),
                message.reset,
                message.trouble,
            )
            return HEADER.pack(*header) + body
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
    # The version comes first so that it can be read whatever follows it.
    if body[0] != VERSION:
        return OtherVersion(seq, body[0])
    if not HELLO.size <= len(body) <= HELLO.size + FIRMWARE_BYTES:
        return None
    _, chip, acc_g, gyro_dps, rate_mhz, uptime_us, boot = HELLO.unpack_from(body)
    if not (acc_g and gyro_dps and rate_mhz) or uptime_us > MAX_UPTIME_US:
        return None
    firmware = body[HELLO.size :].decode("ascii", "replace")
    return Hello(seq, index, firmware, chip, acc_g, gyro_dps, rate_mhz, uptime_us, boot)


def _unpack_status(seq: int, time_us: int, index: int, body: bytes) -> Status:
    overflowed, bus_faults, chip_restarts, centi_c, reset, trouble = STATUS.unpack(body)
    celsius = None if centi_c == UNKNOWN_TEMPERATURE else centi_c / 100
    return Status(
        seq,
        time_us,
        index,
        overflowed,
        bus_faults,
        chip_restarts,
        celsius,
        Reset(reset),
        Trouble(trouble),
    )
