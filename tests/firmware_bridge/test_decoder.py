"""Hostile bytes: whatever happens on the line, nothing breaks and nothing is miscounted."""

import random
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import framing
from firmware_bridge.assembly import Assembler
from firmware_bridge.decoder import MAX_FRAME, Decoder
from firmware_bridge.protocol import SAMPLE, Batch, Code, Command, Hello, Message, pack
from firmware_bridge.samples import Samples

OPS = ("keep", "drop", "twice", "swap", "flip", "garbage")
# A CRC of 16 bits misses one in 65,536: repeatable, so that a chance hit fails no other day.
repeatable = settings(derandomize=True)


class Device:
    """Numbers its samples in the counts that it sends, so that each can be told."""

    def __init__(self, boot: int = 1, began_us: int = 1_000, taken: int = 0) -> None:
        self.boot, self.clock_us, self.seq, self.index = boot, began_us, 0, 0
        self.taken = taken

    def hello(self) -> bytes:
        hello = Hello(self._next(), self.index, "t", 0x68, 4, 500, 50_000, self.clock_us, self.boot)
        return framing.seal(pack(hello))

    def batch(self, count: int = 10) -> bytes:
        raw = np.zeros(count, SAMPLE)
        raw["dt_us"][1:] = 20_000
        raw["acc"][:, 0] = np.arange(self.taken, self.taken + count)
        raw["gyro"][:, 0] = -1
        time_us = self.clock_us & 0xFFFFFFFF
        frame = framing.seal(pack(Batch(self._next(), time_us, self.index, raw.tobytes())))
        self.taken += count
        self.index = self.index + count & 0xFFFFFFFF
        self.clock_us += 20_000 * count
        return frame

    def _next(self) -> int:
        seq, self.seq = self.seq, self.seq + 1 & 0xFFFF
        return seq


def numbers(blocks: list[Samples]) -> list[int]:
    return [round(x * 8192) for block in blocks for x in block.acc_g[:, 0]]


def times(blocks: list[Samples]) -> list[float]:
    return [t for block in blocks for t in block.t_s.tolist()]


def chunks(data: bytes, rng: random.Random) -> Iterator[bytes]:
    while data:
        size = rng.choice([1, 2, 17, 300, 5000])
        yield data[:size]
        data = data[size:]


def spoil(frame: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(frame)
    for _ in range(rng.randint(1, 3)):
        spoilt[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
    return bytes(spoilt) if spoilt != frame else spoil(frame, rng)


@given(st.lists(st.binary(max_size=700), max_size=8))
def test_any_bytes_in_any_chunks_do_no_harm(parts: list[bytes]) -> None:
    decoder, at_once = Decoder(), Decoder()
    messages = [message for part in parts for message in decoder.feed(part)]
    assert at_once.feed(b"".join(parts)) == messages
    assert at_once.counts == decoder.counts
    for message in messages:
        Assembler().push([message])


@repeatable
@given(st.lists(st.sampled_from(OPS), max_size=60), st.randoms(use_true_random=False))
def test_every_sample_is_delivered_once_or_counted_lost(ops: list[str], rng: random.Random) -> None:
    device = Device()
    line, arrived = [device.hello()], []
    held: tuple[bytes, range] | None = None
    for op in ops:
        count = rng.randint(1, 32)
        ids = range(device.taken, device.taken + count)
        frame = device.batch(count)
        if held:  # overtaken by this one
            line += [frame, held[0]]
            arrived.append(ids)
            held = None
        elif op == "swap":
            held = frame, ids
        elif op == "flip":
            line.append(spoil(frame, rng))
        elif op != "drop":
            line += [rng.randbytes(rng.randint(1, 900))] if op == "garbage" else []
            line += [frame, frame] if op == "twice" else [frame]
            arrived.append(ids)
    line.append(device.hello())
    data = b"".join(line)

    decoder, assembler = Decoder(), Assembler()
    blocks = [b for part in chunks(data, rng) for b in assembler.push(decoder.feed(part))]

    assert numbers(blocks) == [number for ids in arrived for number in ids]
    assert times(blocks) == pytest.approx([(1_000 + 20_000 * n) / 1e6 for n in numbers(blocks)])
    assert assembler.counts.samples + assembler.counts.lost == device.taken
    # Whatever is missing between two samples is said where the block after it begins.
    for before, after in pairwise(blocks):
        assert after.lost == numbers([after])[0] - numbers([before])[-1] - 1

    whole, at_once = Decoder(), Assembler()
    assert numbers(at_once.push(whole.feed(data))) == numbers(blocks)
    assert asdict(whole.counts) == asdict(decoder.counts)
    assert asdict(at_once.counts) == asdict(assembler.counts)


@repeatable
@given(
    boots=st.lists(
        st.lists(st.sampled_from(["hello", "batch", "lost hello", "lost batch"]), max_size=12),
        max_size=6,
    ),
    counted=st.booleans(),
    rng=st.randoms(use_true_random=False),
)
def test_a_reboot_at_any_time_loses_nothing_that_a_hello_preceded(
    boots: list[list[str]], counted: bool, rng: random.Random
) -> None:
    line, taken = [], 0
    intact: list[int] = []
    greeted_ones: set[int] = set()
    for boot, plan in enumerate(boots):
        device = Device(boot if counted else 0, rng.randint(1, 10**6), taken)
        greeted = False
        for op in plan:
            ids = range(device.taken, device.taken + 10)
            frame = device.batch() if op.endswith("batch") else device.hello()
            if op == "batch":
                intact += ids
                greeted_ones |= set(ids) if greeted else set()
            if not op.startswith("lost"):
                line.append(frame)
            greeted |= op == "hello"
        taken = device.taken

    decoder, assembler = Decoder(), Assembler()
    blocks = [b for part in chunks(b"".join(line), rng) for b in assembler.push(decoder.feed(part))]
    got = numbers(blocks)
    assert got == sorted(set(got))
    assert set(got) <= set(intact)
    # A boot unannounced may by chance go on where the last one stopped, but for part of a frame.
    assert (np.diff(times(blocks)) > -0.18).all()
    if counted:  # else a reboot within seconds of a boot can pass for an overtaken frame
        assert set(got) >= greeted_ones


def test_a_reader_that_joins_late_waits_for_a_hello_and_counts_from_its_first_frame() -> None:
    device = Device()
    device.hello()
    frames = [device.batch() for _ in range(20)] + [device.hello(), device.batch()]
    decoder, assembler = Decoder(), Assembler()
    blocks = assembler.push(decoder.feed(b"".join(frames[10:])[7:]))
    assert numbers(blocks) == list(range(200, 210))
    # The tenth frame was cut by joining; of the nine after it no one could tell the scale.
    assert decoder.counts.bad_crc == 1
    assert assembler.counts.before_hello == assembler.counts.lost == blocks[0].lost == 90


def test_a_plug_pulled_for_a_while_is_counted_to_the_sample_and_dated_right() -> None:
    device = Device()
    decoder, assembler = Decoder(), Assembler()
    blocks = assembler.push(decoder.feed(device.hello() + device.batch() + device.batch()[:40]))
    for _ in range(14):
        device.batch()
    decoder.reopened()
    assembler.reopened()
    assert assembler.push(decoder.feed(device.batch())) == []
    blocks += assembler.push(decoder.feed(device.hello() + device.batch()))
    assert numbers(blocks) == [*range(10), *range(170, 180)]
    assert blocks[1].lost == assembler.counts.lost == 160
    assert blocks[1].t_s[0] == (1_000 + 170 * 20_000) / 1e6
    assert assembler.counts.reboots == decoder.counts.bad_crc == 0


def test_a_reboot_shows_as_ten_seconds_and_what_the_device_took_since_as_lost() -> None:
    old, decoder, assembler = Device(boot=4), Decoder(), Assembler()
    blocks = assembler.push(decoder.feed(old.hello() + b"".join(old.batch() for _ in range(30))))
    new = Device(boot=5, taken=300)
    new.hello()  # lost, and a frame too
    new.batch()
    blocks += assembler.push(decoder.feed(new.batch() + new.hello() + new.batch()))
    assert numbers(blocks) == [*range(300), *range(320, 330)]
    assert blocks[1].t_s[0] == pytest.approx(blocks[0].t_s[-1] + 10)
    assert blocks[1].lost == assembler.counts.lost == 20
    assert assembler.counts.reboots == 1
    assert decoder.counts.stale == decoder.counts.lost == 0


def test_another_device_behind_the_port_owes_us_nothing() -> None:
    decoder, assembler = Decoder(), Assembler()
    first = Device(boot=4)
    assembler.push(decoder.feed(first.hello() + first.batch()))
    decoder.reopened()
    assembler.reopened()
    other = Device(boot=900)
    other.index, other.clock_us = 13_000_000, 3 * 86_400 * 10**6
    blocks = assembler.push(decoder.feed(other.hello() + other.batch()))
    assert len(blocks[0]) == 10
    assert blocks[0].lost == assembler.counts.lost == 0
    assert assembler.counts.reboots == 1


@pytest.mark.parametrize("silence_s", [0, 100, 3_000, 4_000, 100_000])
def test_time_goes_on_over_wraps_and_silences_of_any_length(silence_s: int) -> None:
    device = Device(began_us=2**32 * 3 - 500_000)
    decoder, assembler = Decoder(), Assembler()
    blocks = assembler.push(decoder.feed(device.hello() + device.batch()))
    device.clock_us += silence_s * 10**6
    device.index += silence_s * 50
    device.seq = silence_s * 5 & 0xFFFF
    blocks += assembler.push(decoder.feed(b"".join(device.batch() for _ in range(10))))
    expected = (2**32 * 3 - 500_000 + 20_000 * np.arange(110)) / 1e6
    expected[10:] += silence_s
    np.testing.assert_allclose(times(blocks), expected, rtol=0, atol=1e-6)
    assert assembler.counts.lost == silence_s * 50


def test_counters_wrap_without_a_loss() -> None:
    device = Device()
    device.seq, device.index = 0xFFF0, 0xFFFFFFF0
    decoder, assembler = Decoder(), Assembler()
    data = device.hello() + b"".join(device.batch() for _ in range(40))
    blocks = assembler.push(decoder.feed(data))
    assert numbers(blocks) == list(range(400))
    assert decoder.counts.lost == assembler.counts.lost == assembler.counts.reboots == 0


def test_a_stream_without_zeros_fills_no_memory_and_costs_one_frame() -> None:
    decoder = Decoder()
    for _ in range(1000):
        decoder.feed(b"\xaa" * 1000)
        assert len(decoder._rest) <= MAX_FRAME
    messages = decoder.feed(Device().hello())
    assert len(messages) == 1
    assert (decoder.counts.too_long, decoder.counts.resyncs) == (1, 1)


def test_messages_of_another_time_are_skipped_and_counted() -> None:
    device, decoder = Device(), Decoder()
    hello = framing.unseal(device.hello().strip(b"\0"))
    assert hello is not None
    future = framing.seal(bytes([9]) + hello[1:] + b"new")
    assert decoder.feed(future) == []
    assert (decoder.counts.unknown, decoder.counts.bad_crc) == (1, 0)


def test_a_device_of_another_version_is_named_and_its_samples_dropped() -> None:
    device, decoder, assembler = Device(), Decoder(), Assembler()
    content = framing.unseal(device.hello().strip(b"\0"))
    assert content is not None
    newer = framing.seal(content[:11] + b"\2" + content[12:])
    blocks = assembler.push(decoder.feed(newer + device.batch()))
    assert blocks == []
    assert assembler.problem is not None
    assert "version 2" in assembler.problem
    assert numbers(assembler.push(decoder.feed(device.hello() + device.batch())))[0] == 10
    assert assembler.problem is None


def test_requests_come_through_however_often_they_are_repeated() -> None:
    request = framing.seal(pack(Command(Code.HELLO)))
    expected: list[Message] = [Command(Code.HELLO)] * 5
    assert Decoder().feed(request * 5) == expected


def test_consecutive_frames_become_one_block() -> None:
    device, decoder, assembler = Device(), Decoder(), Assembler()
    data = device.hello() + b"".join(device.batch() + device.hello() for _ in range(50))
    blocks = assembler.push(decoder.feed(data))
    assert [len(block) for block in blocks] == [500]
