import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import firmware_bridge
from firmware_bridge import framing
from firmware_bridge.protocol import (
    MAX_BATCH,
    MAX_CONTENT,
    MAX_UPTIME_US,
    SAMPLE,
    Batch,
    Code,
    Command,
    Hello,
    OtherVersion,
    Reset,
    Status,
    Trouble,
    pack,
    signed32,
    unpack,
)

U16, U32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
HELLOS = st.builds(
    Hello,
    seq=U16,
    index=U32,
    firmware=st.text("abc 1.9-", max_size=16),
    chip=st.integers(0, 255),
    acc_full_scale_g=st.sampled_from([2, 4, 8, 16]),
    gyro_full_scale_dps=st.sampled_from([250, 500, 1000, 2000]),
    rate_mhz=st.integers(1, 0xFFFFFFFF),
    uptime_us=st.integers(0, MAX_UPTIME_US),
    boot=U16,
)
BATCHES = st.builds(
    Batch,
    seq=U16,
    time_us=U32,
    index=U32,
    samples=st.integers(1, MAX_BATCH).flatmap(
        lambda n: st.binary(min_size=14 * n, max_size=14 * n)
    ),
)
STATUSES = st.builds(
    Status,
    seq=U16,
    time_us=U32,
    index=U32,
    overflowed=U32,
    bus_faults=U16,
    chip_restarts=U16,
    temperature_c=st.none() | st.integers(-0x7FFF, 0x7FFF).map(lambda centi: centi / 100),
    reset=st.integers(0, 255).map(Reset),
    trouble=st.integers(0, 255).map(Trouble),
)
COMMANDS = st.builds(Command, code=st.integers(0, 255), argument=U32)


@given(st.one_of(HELLOS, BATCHES, STATUSES, COMMANDS))
def test_every_message_is_unpacked_from_its_bytes(
    message: Hello | Batch | Status | Command,
) -> None:
    content = pack(message)
    assert len(content) <= MAX_CONTENT
    assert unpack(content) == message


@given(st.one_of(st.binary(max_size=500), st.one_of(HELLOS, BATCHES, STATUSES).map(pack)), U16)
def test_any_bytes_can_be_unpacked(content: bytes, cut: int) -> None:
    unpack(content)
    unpack(content[: cut % (len(content) + 1)])


def test_a_batch_that_is_empty_too_long_or_cut_is_rejected() -> None:
    whole = pack(Batch(0, 0, 0, bytes(14 * MAX_BATCH)))
    assert unpack(whole) is not None
    assert unpack(whole + bytes(14)) is None
    assert unpack(whole[:-1]) is None
    assert unpack(whole[:11]) is None
    with pytest.raises(ValueError, match="whole samples"):
        pack(Batch(0, 0, 0, b""))


def test_a_hello_of_another_version_gives_the_version() -> None:
    content = bytearray(pack(Hello(5, 0, "x", 0x68, 4, 500, 50_000, 0, 0)))
    content[11] = 2
    assert unpack(bytes(content)) == OtherVersion(2)
    assert unpack(bytes(content[:12])) == OtherVersion(2)


def test_units_follow_the_data_sheet() -> None:
    # MPU-6050 register map 4.2, sections 4.17 and 4.19: 8192 LSB/g at 4 g, 65.5 LSB/(deg/s) at 500.
    hello = Hello(0, 0, "", 0x68, 4, 500, 50_000, 0, 0)
    assert hello.acc_g_per_count * 8192 == 1
    assert np.rad2deg(hello.gyro_rad_s_per_count) * 65.5 == pytest.approx(1, rel=1e-3)


@given(U32, st.integers(-0x80000000, 0x7FFFFFFF))
def test_the_difference_of_wrapped_counters_is_right(counter: int, step: int) -> None:
    assert signed32((counter + step & 0xFFFFFFFF) - counter) == step


def test_the_examples_in_the_document_match_the_code() -> None:
    text = (Path(firmware_bridge.__file__).parent / "PROTOCOL.md").read_text()
    dumps = re.findall(r"```hex\n(.*?)```", text, re.DOTALL)
    frames = [bytes.fromhex(re.sub(r"#.*", "", dump)) for dump in dumps]
    raw = np.zeros(2, SAMPLE)
    raw["dt_us"] = [0, 20_000]
    raw["acc"] = [[0, 0, 8192], [16, -16, 8190]]
    raw["gyro"] = [[0, 0, 0], [-1, 256, 5]]
    hello = Hello(0, 0, "edgehar play", 0x68, 4, 500, 50_000, 5_000_000_000, 3)
    batch = Batch(7, 4_000_000_000, 1000, raw.tobytes())
    status = Status(6, 4_000_000_000, 1000, 13, 2, 1, 25.01, Reset.WATCHDOG, Trouble(0))
    messages: list[Hello | Batch | Status | Command]
    messages = [Command(Code.HELLO), hello, status, batch]
    assert frames == [framing.seal(pack(message)) for message in messages]
