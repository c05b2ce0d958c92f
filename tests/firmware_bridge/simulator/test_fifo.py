"""The simulated FIFO: its contents, its overflow, and reads at any time and of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.simulator import feed
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.noise import Noise
from tests.firmware_bridge.simulator.driving import (
    START_US,
    counting,
    fifo,
    fifo_count,
    get,
    put,
    start,
)

WHO = st.sampled_from([0x68, 0x70])
PPM = st.floats(-20_000, 20_000)
# 5 ms a sample: up to 40 samples between reads, and an MPU-6500 holds 42.
WAITS_US = st.lists(st.integers(0, 195_000), min_size=1, max_size=30)


def noisy(who_am_i: int, ppm: float) -> Chip:
    noise = Noise(0.005, 0.2, seed=3)
    return start(Chip(feed.turning(90.0), who_am_i=who_am_i, ppm=ppm, noise=noise))


@given(WHO, PPM, WAITS_US)
def test_the_times_of_reads_do_not_change_the_samples(
    who_am_i: int, ppm: float, waits_us: list[int]
) -> None:
    times_us = (START_US + np.cumsum(waits_us)).tolist()
    irregular = noisy(who_am_i, ppm)
    samples = np.concatenate([fifo(irregular, now_us) for now_us in times_us])
    regular = noisy(who_am_i, ppm)
    steps_us = range(START_US, times_us[-1], 20_000)
    expected = np.concatenate([fifo(regular, now_us) for now_us in [*steps_us, times_us[-1]]])
    assert np.array_equal(samples, expected)


@given(WHO, st.data())
def test_the_cuts_between_reads_do_not_change_the_bytes(who_am_i: int, data: st.DataObject) -> None:
    whole, cut = noisy(who_am_i, 0.0), noisy(who_am_i, 0.0)
    now_us = START_US + 200_000
    expected = get(whole, 0x74, now_us, fifo_count(whole, now_us))
    data_read = b""
    while len(data_read) < len(expected):
        data_read += get(
            cut, 0x74, now_us, data.draw(st.integers(1, len(expected) - len(data_read)))
        )
    assert data_read == expected
    assert fifo_count(cut, now_us) == 0


@given(WHO, PPM, st.lists(st.integers(0, 2_000_000), max_size=8), st.integers(1, 5_000_000))
def test_reads_of_other_registers_do_not_change_the_overflow(
    who_am_i: int, ppm: float, reads_us: list[int], wait_us: int
) -> None:
    watched, alone = noisy(who_am_i, ppm), noisy(who_am_i, ppm)
    end_us = START_US + sum(reads_us) + wait_us
    for read_us in np.cumsum(reads_us).tolist():
        get(watched, 0x3B, START_US + read_us, 14)
    count = fifo_count(alone, end_us)
    assert fifo_count(watched, end_us) == count
    assert get(watched, 0x74, end_us, count) == get(alone, 0x74, end_us, count)
    assert watched.sample_count == alone.sample_count


@given(st.lists(st.binary(max_size=6), max_size=20), st.lists(st.integers(0, 300), max_size=20))
def test_any_transaction_is_answered(writes: list[bytes], counts: list[int]) -> None:
    chip = noisy(0x68, 0.0)
    now_us = START_US
    for data, count in zip(writes, counts, strict=False):
        now_us += 7_000
        assert chip.write(data, now_us)
        answer = chip.read(count, now_us)
        assert answer is not None
        assert len(answer) == count
        chip.interrupt(now_us)
        assert (chip.next_data_ready_us(now_us) or now_us + 1) > now_us


def test_the_fifo_gets_the_enabled_words_in_the_order_of_the_registers() -> None:
    chip = start(Chip(feed.by_index(np.array([[0.1, 0.2, 0.3, 10, 20, 30]]))), fifo=0x98)
    acc, gyro_z = np.rint(np.array([0.1, 0.2, 0.3]) * 8192), round(30 / 500 * 32768)
    temperature = round((25 - 36.53) * 340)
    assert fifo(chip, START_US + 5_000, 5).tolist() == [[*acc, temperature, gyro_z]]


def test_reading_the_high_byte_of_the_count_latches_the_low_byte() -> None:
    chip = start(Chip(feed.still))
    assert fifo_count(chip, START_US + 5_000) == 12
    assert get(chip, 0x73, START_US + 15_000)[0] == 12
    assert fifo_count(chip, START_US + 15_000) == 36


@pytest.mark.parametrize(("who_am_i", "size"), [(0x68, 1024), (0x70, 512), (0x71, 512)])
def test_an_overflow_is_flagged_once_and_tears_the_stream(who_am_i: int, size: int) -> None:
    chip = start(Chip(counting, who_am_i=who_am_i))
    whole = size // 12
    assert fifo_count(chip, START_US + whole * 5_000) == whole * 12
    assert get(chip, 0x3A, START_US + whole * 5_000)[0] == 0x01
    late_us = START_US + (whole + 10) * 5_000
    assert get(chip, 0x3A, late_us)[0] == 0x11
    assert get(chip, 0x3A, late_us)[0] == 0x00
    data = get(chip, 0x74, late_us, fifo_count(chip, late_us))
    written = np.repeat(np.arange(whole + 10, dtype=">i2"), 6).tobytes()
    assert data == written[-size:]
    assert size % 12  # the stream begins within a sample


def test_a_later_chip_can_keep_the_oldest_samples_instead() -> None:
    chip = start(Chip(counting, who_am_i=0x70), low_pass=3 | 0x40)
    data_read = get(chip, 0x74, START_US + 60_000_000, 512)
    assert data_read == np.repeat(np.arange(43, dtype=">i2"), 6).tobytes()[:512]
    assert get(chip, 0x3A, START_US + 60_000_000)[0] & 0x10


def test_an_mpu_6050_resets_its_fifo_only_while_the_fifo_is_off() -> None:
    chip = start(Chip(feed.still))
    at_us = START_US + 50_000
    put(chip, 0x6A, 0x44, at_us)
    assert fifo_count(chip, at_us) == 120
    put(chip, 0x6A, 0x04, at_us)
    assert fifo_count(chip, at_us) == 0
    assert get(chip, 0x6A, at_us)[0] == 0


def test_an_empty_fifo_repeats_its_last_byte_and_a_disabled_one_keeps_its_bytes() -> None:
    chip = start(Chip(counting))
    data = get(chip, 0x74, START_US + 10_000, 30)
    assert data[24:] == bytes([data[23]]) * 6
    put(chip, 0x6A, 0x00, START_US + 20_000)
    get(chip, 0x74, START_US + 30_000, 12)
    assert fifo_count(chip, START_US + 30_000) == 24
    put(chip, 0x6A, 0x40, START_US + 30_000)
    assert fifo(chip, START_US + 30_000)[:, 0].tolist() == [2, 3]
