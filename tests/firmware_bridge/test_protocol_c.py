"""The protocol in C and in Python: the same numbers, the same bytes."""

import ctypes as c
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import framing
from firmware_bridge.c_header import header
from firmware_bridge.decoder import Decoder
from firmware_bridge.protocol import (
    MAX_CONTENT,
    UNKNOWN_TEMPERATURE,
    Batch,
    Code,
    Command,
    Hello,
    Status,
    pack,
)
from tests.firmware_bridge.firmware.core import fresh, sent
from tests.firmware_bridge.test_protocol import HELLOS, STATUSES, U32
from tests.stand_ins.firmware import FOLDER

NAME = "edgehar-host 1"


class CHello(c.Structure):
    _fields_ = (
        ("chip", c.c_uint8),
        ("acc_full_scale_g", c.c_uint8),
        ("gyro_full_scale_dps", c.c_uint16),
        ("rate_mhz", c.c_uint32),
        ("uptime_us", c.c_uint64),
        ("boot", c.c_uint16),
    )


class CStatus(c.Structure):
    _fields_ = (
        ("overflowed", c.c_uint32),
        ("bus_faults", c.c_uint16),
        ("chip_restarts", c.c_uint16),
        ("centi_c", c.c_int16),
        ("reset", c.c_uint8),
        ("trouble", c.c_uint8),
    )


class CCommand(c.Structure):
    _fields_ = (("code", c.c_uint8), ("argument", c.c_uint32))


class Reader(c.Structure):
    _fields_ = (("count", c.c_uint8), ("skipping", c.c_bool), ("bytes", c.c_uint8 * 19))


@pytest.fixture(scope="module")
def lib(library: Path) -> c.CDLL:
    return fresh(library)


def commands(lib: c.CDLL, data: bytes) -> list[Command]:
    """Return the commands that the firmware reads from these bytes."""
    reader, command, read = Reader(), CCommand(), []
    for byte in data:
        count = lib.frame_read(c.byref(reader), byte)
        content = (c.c_uint8 * 19)(*reader.bytes[1:])
        if count and lib.command_read(content, count, c.byref(command)):
            read.append(Command(command.code, command.argument))
    return read


def test_the_c_header_is_up_to_date() -> None:
    assert (FOLDER / "core" / "protocol.h").read_text() == header(), "run make protocol"


# Long runs without zeros are special cases of COBS.
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([1, 252, 253, 254, 255]).map(lambda count: b"\x07" * count),
        ),
        max_size=6,
    ).map(lambda parts: b"".join(parts)[:MAX_CONTENT])
)
def test_both_frame_alike(lib: c.CDLL, data: bytes) -> None:
    buffer = (c.c_uint8 * (len(data) + 2))(*data)
    lib.frame_send(buffer, len(data))
    assert sent(lib) == framing.seal(data)


def check(frame: bytes, expected: Hello | Status | Batch) -> None:
    """Check both directions, with the sequence number that C gave the frame."""
    content = framing.unseal(frame.strip(b"\0"))
    assert content is not None
    message = replace(expected, seq=int.from_bytes(content[1:3], "little"))
    assert Decoder().feed(frame) == [message]
    assert frame == framing.seal(pack(message))


@given(hello=HELLOS)
def test_a_hello_has_the_same_bytes(lib: c.CDLL, hello: Hello) -> None:
    inside = CHello(
        hello.chip, hello.acc_full_scale_g, hello.gyro_full_scale_dps, hello.rate_mhz,
        hello.uptime_us, hello.boot,
    )  # fmt: skip
    lib.send_hello(c.byref(inside), c.c_uint32(hello.index))
    check(sent(lib), replace(hello, firmware=NAME))


@given(status=STATUSES)
def test_a_status_has_the_same_bytes(lib: c.CDLL, status: Status) -> None:
    celsius = status.temperature_c
    centi_c = UNKNOWN_TEMPERATURE if celsius is None else round(100 * celsius)
    inside = CStatus(
        status.overflowed, status.bus_faults, status.chip_restarts, centi_c, status.reset,
        status.trouble,
    )  # fmt: skip
    lib.send_status(c.byref(inside), c.c_uint32(status.time_us), c.c_uint32(status.index))
    check(sent(lib), status)


COUNTS = st.lists(st.integers(-0x8000, 0x7FFF), min_size=6, max_size=6)


@given(
    samples=st.lists(st.tuples(st.integers(0, 0xFFFF), COUNTS), min_size=1, max_size=10),
    time_us=U32,
    index=U32,
)
def test_a_batch_has_the_same_bytes(
    lib: c.CDLL, samples: list[tuple[int, list[int]]], time_us: int, index: int
) -> None:
    raw = b""
    for number, (dt_us, counts) in enumerate(samples):
        # The chip sends the high byte first (RM-MPU-6000A, 0x3B to 0x48).
        registers = b"".join(count.to_bytes(2, "big", signed=True) for count in counts)
        lib.message_sample(number, dt_us, registers)
        raw += dt_us.to_bytes(2, "little")
        raw += b"".join(count.to_bytes(2, "little", signed=True) for count in counts)
    lib.send_batch(len(samples), c.c_uint32(time_us), c.c_uint32(index))
    check(sent(lib), Batch(0, time_us, index, raw))


def test_frames_are_numbered_one_by_one_and_wrap(library: Path) -> None:
    lib = fresh(library)
    for number in range(0x10005):
        lib.send_batch(1, 0, 0)
        content = framing.unseal(sent(lib)[1:-1]) or b""
        assert int.from_bytes(content[1:3], "little") == number & 0xFFFF


def commands_in(garbage: int, codes: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    """Return a strategy for framed commands between pieces of up to `garbage` random bytes."""
    framed = st.builds(Command, codes, U32).map(lambda command: framing.seal(pack(command)))
    return st.lists(st.one_of(st.binary(max_size=garbage), framed), max_size=20).map(b"".join)


@given(data=commands_in(60, st.sampled_from(Code)))
def test_c_reads_the_same_commands_as_python_from_any_bytes(lib: c.CDLL, data: bytes) -> None:
    data += b"\0"
    expected = [message for message in Decoder().feed(data) if isinstance(message, Command)]
    assert commands(lib, data) == expected


@settings(max_examples=50)
@given(data=commands_in(400, st.integers(0, 255)))
def test_no_input_causes_a_wrong_memory_access(library: Path, data: bytes) -> None:
    # Its address and undefined-behaviour sanitizers end the program with an error.
    done = subprocess.run(
        [library.with_name("listen")], input=data, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    decoder = Decoder()
    messages = decoder.feed(done.stdout)
    assert isinstance(messages[0], Hello)
    assert decoder.counts.bad_crc == decoder.counts.unknown == decoder.counts.lost == 0
