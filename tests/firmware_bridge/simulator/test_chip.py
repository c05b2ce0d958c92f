import numpy as np
import pytest

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
    words,
)

MODELS = [0x68, 0x70, 0x71]


@pytest.mark.parametrize("who_am_i", MODELS)
def test_registers_after_power_on_are_those_of_the_register_map(who_am_i: int) -> None:
    chip = Chip(feed.still, who_am_i=who_am_i)
    power = 0x40 if who_am_i == 0x68 else 0x01
    written = {0x75: who_am_i, 0x6B: power}
    config = {
        number: get(chip, number, 0)[0] for number in [*range(0x19, 0x3A), *range(0x61, 0x76)]
    }
    assert {number: value for number, value in config.items() if value} == written


def test_an_mpu_6050_sleeps_until_woken_and_the_later_ones_do_not() -> None:
    for who_am_i in MODELS:
        chip = Chip(feed.still, who_am_i=who_am_i)
        chip.advance(1_000_000)
        assert bool(chip.sample_count) == (who_am_i != 0x68)
    asleep = Chip(feed.still)
    assert get(asleep, 0x3B, 1_000_000, 14) == bytes(14)


@pytest.mark.parametrize(
    ("low_pass", "divider", "rate_hz"),
    [(0, 159, 50), (7, 79, 100), (1, 19, 50), (3, 9, 100), (6, 4, 200), (4, 0, 1000)],
)
def test_the_sample_rate_is_the_gyro_rate_divided(
    low_pass: int, divider: int, rate_hz: int
) -> None:
    chip = Chip(feed.still)
    start(chip, divider, low_pass)
    chip.advance(START_US + 10_000_000)
    assert chip.sample_count == 10 * rate_hz


@pytest.mark.parametrize("low_pass", [0, 7])
def test_the_later_chips_divide_only_behind_the_low_pass(low_pass: int) -> None:
    chip = Chip(feed.still, who_am_i=0x70)
    start(chip, 19, low_pass)
    before = chip.sample_count
    chip.advance(START_US + 1_000_000)
    assert chip.sample_count - before == 8000


@pytest.mark.parametrize("ppm", [-20_000, 5_000, 20_000])
def test_its_oscillator_is_off_by_what_was_asked(ppm: float) -> None:
    chip = Chip(feed.still, ppm=ppm)
    start(chip)
    chip.advance(START_US + 1_000_000_000)
    assert chip.sample_count == pytest.approx(200_000 * (1 + ppm * 1e-6), abs=1)


@pytest.mark.parametrize("scale", range(4))
def test_physical_values_come_back_within_half_an_lsb_at_every_full_scale(scale: int) -> None:
    acc_g, gyro_dps = 2 << scale, 250 << scale
    moved = np.array([[0.3, -0.7, 1.9, 12.3, -200.7, 249.9]])
    chip = Chip(feed.by_index(moved))
    start(chip)
    put(chip, 0x1C, scale << 3)
    put(chip, 0x1B, scale << 3)
    shown = words(get(chip, 0x3B, START_US + 5_000, 14), 7)[0]
    six = shown[[0, 1, 2, 4, 5, 6]] * np.repeat([acc_g, gyro_dps], 3) / 32768
    off = np.abs(six - moved[0]) / np.repeat([acc_g, gyro_dps], 3) * 32768
    assert off.max() <= 0.5


def test_a_new_full_scale_holds_from_the_next_sample_on() -> None:
    chip = Chip(feed.still)
    start(chip)
    put(chip, 0x1C, 0x00, START_US + 7_000)
    got = [words(get(chip, 0x3F, START_US + at_us, 2), 1)[0, 0] for at_us in (8_000, 10_000)]
    assert got == [8192, 16384]


def test_beyond_full_scale_it_saturates_and_does_not_wrap() -> None:
    chip = Chip(feed.by_index(np.array([[4.1, -4.1, 40.0, 501.0, -501.0, -9999.0]])))
    start(chip)
    assert fifo(chip, START_US + 5_000).tolist() == [[32767, -32768, 32767, 32767, -32768, -32768]]


@pytest.mark.parametrize(("who_am_i", "slope", "offset"), [(0x68, 340, 36.53), (0x70, 333.87, 21)])
def test_the_temperature_follows_the_data_sheets_formula(
    who_am_i: int, slope: float, offset: float
) -> None:
    chip = Chip(feed.still, who_am_i=who_am_i)
    chip.temperature_c = 31.0
    start(chip)
    raw = words(get(chip, 0x41, START_US + 5_000, 2), 1)[0, 0]
    assert raw / slope + offset == pytest.approx(31.0, abs=1 / slope)


def test_a_burst_never_mixes_two_samples_and_single_reads_do() -> None:
    chip = Chip(counting)
    start(chip, fifo=0)
    put(chip, 0x38, 0x01)
    burst = words(get(chip, 0x3B, START_US + 52_000, 14), 7)[0]
    assert set(burst[[0, 1, 2, 4, 5, 6]]) == {9}
    assert chip.write(b"\x3b", START_US + 54_000)
    late = b"".join(
        chip.read(1, START_US + 54_000 + 3000 * step, continued=step > 0) or b""
        for step in range(14)
    )
    assert set(words(late, 7)[0][[0, 1, 2, 4, 5, 6]]) == {9}
    single = words(
        b"".join(get(chip, 0x3B + step, START_US + 100_000 + 3000 * step) for step in range(14)), 7
    )
    assert len(set(single[0])) > 2


def test_the_fifo_holds_what_was_asked_for_in_the_order_of_the_registers() -> None:
    moved = np.array([[0.1, 0.2, 0.3, 10.0, 20.0, 30.0]])
    chip = Chip(feed.by_index(moved))
    start(chip, fifo=0x80 | 0x08 | 0x10)
    acc, turn = np.rint(moved[0, :3] * 8192), np.rint(moved[0, 5] / 500 * 32768)
    warmth = round((25 - 36.53) * 340)
    assert fifo(chip, START_US + 5_000, 5).tolist() == [[*acc, warmth, turn]]


def test_the_low_byte_of_the_count_is_the_one_latched_with_the_high_byte() -> None:
    chip = Chip(feed.still)
    start(chip)
    assert fifo_count(chip, START_US + 5_000) == 12
    assert get(chip, 0x73, START_US + 15_000)[0] == 12
    assert fifo_count(chip, START_US + 15_000) == 36


def test_an_empty_fifo_repeats_its_last_byte() -> None:
    chip = Chip(counting)
    start(chip)
    read = get(chip, 0x74, START_US + 10_000, 30)
    assert read[24:] == bytes([read[23]]) * 6


@pytest.mark.parametrize(("who_am_i", "size"), [(0x68, 1024), (0x70, 512), (0x71, 512)])
def test_an_overflow_is_flagged_once_and_tears_the_stream(who_am_i: int, size: int) -> None:
    chip = Chip(counting, who_am_i=who_am_i)
    start(chip)
    held = size // 12
    assert fifo_count(chip, START_US + held * 5_000) == held * 12
    assert get(chip, 0x3A, START_US + held * 5_000)[0] == 0x01
    late_us = START_US + (held + 10) * 5_000
    assert get(chip, 0x3A, late_us)[0] == 0x11
    assert get(chip, 0x3A, late_us)[0] == 0x00
    data = get(chip, 0x74, late_us, fifo_count(chip, late_us))
    written = np.repeat(np.arange(held + 10, dtype=">i2"), 6).tobytes()
    assert data == written[-size:]
    assert size % 12  # so it begins within a sample


def test_a_later_chip_may_keep_its_oldest_samples_instead() -> None:
    chip = Chip(counting, who_am_i=0x70)
    start(chip, low_pass=3 | 0x40)
    got = get(chip, 0x74, START_US + 60_000_000, 512)
    assert got == np.repeat(np.arange(43, dtype=">i2"), 6).tobytes()[:512]
    assert get(chip, 0x3A, START_US + 60_000_000)[0] & 0x10


def test_an_mpu_6050_resets_its_fifo_only_while_it_is_off() -> None:
    chip = Chip(feed.still)
    start(chip)
    at_us = START_US + 50_000
    put(chip, 0x6A, 0x44, at_us)
    assert fifo_count(chip, at_us) == 120
    put(chip, 0x6A, 0x04, at_us)
    assert fifo_count(chip, at_us) == 0
    assert get(chip, 0x6A, at_us)[0] == 0


def test_a_fifo_that_is_off_keeps_what_it_holds() -> None:
    chip = Chip(counting)
    start(chip)
    put(chip, 0x6A, 0x00, START_US + 10_000)
    get(chip, 0x74, START_US + 30_000, 12)
    assert fifo_count(chip, START_US + 30_000) == 24
    put(chip, 0x6A, 0x40, START_US + 30_000)
    assert fifo(chip, START_US + 30_000)[:, 0].tolist() == [0, 1]


def test_data_ready_is_a_pulse_of_50_us_at_each_sample() -> None:
    chip = Chip(feed.still)
    start(chip)
    assert chip.next_data_ready_us(START_US) is None
    put(chip, 0x38, 0x01)
    assert chip.next_data_ready_us(START_US) == START_US + 5_000
    levels = [chip.interrupt(START_US + at_us) for at_us in (4_999, 5_000, 5_049, 5_050, 10_000)]
    assert levels == [False, True, True, False, True]


def test_a_latched_interrupt_stays_until_its_status_is_read_and_may_be_active_low() -> None:
    chip = Chip(feed.still)
    start(chip)
    put(chip, 0x38, 0x01)
    put(chip, 0x37, 0xA0)
    assert chip.interrupt(START_US)
    assert not chip.interrupt(START_US + 7_000)
    get(chip, 0x3B, START_US + 7_000, 14)
    assert not chip.interrupt(START_US + 7_000)
    get(chip, 0x3A, START_US + 7_000)
    assert chip.interrupt(START_US + 7_000)
    put(chip, 0x37, 0xB0, START_US + 7_000)
    assert not chip.interrupt(START_US + 10_000)
    get(chip, 0x3B, START_US + 10_000, 14)
    assert chip.interrupt(START_US + 10_000)


@pytest.mark.parametrize("ppm", [0.0, 133.7, -9_999.9, -1e-5])
@pytest.mark.parametrize("uptime_us", [START_US, 10**13])
def test_every_data_ready_that_was_announced_comes(ppm: float, uptime_us: int) -> None:
    chip = Chip(feed.still, ppm=ppm, now_us=uptime_us)
    start(chip, divider=0)
    put(chip, 0x38, 0x01)
    now_us = uptime_us
    for number in range(2_000):
        next_us = chip.next_data_ready_us(now_us)
        assert next_us is not None
        assert next_us > now_us
        assert chip.sample_count == number
        now_us = next_us
        assert chip.interrupt(now_us)


def test_nothing_is_sampled_in_sleep_nor_with_the_clock_stopped() -> None:
    for power in (0x40, 0x07):
        chip = Chip(feed.still)
        start(chip)
        put(chip, 0x38, 0x01)
        put(chip, 0x6B, power, START_US + 52_000)
        assert chip.next_data_ready_us(START_US + 52_000) is None
        assert fifo_count(chip, START_US + 60_000_000) == 120
        put(chip, 0x6B, 0x01, START_US + 60_000_000)
        assert chip.next_data_ready_us(START_US + 60_000_000) == START_US + 60_005_000


def test_a_device_reset_takes_its_time_and_leaves_reset_values() -> None:
    chip = Chip(feed.still)
    start(chip)
    at_us = START_US + 50_000
    put(chip, 0x6B, 0x80, at_us)
    assert get(chip, 0x6B, at_us)[0] == 0xC0
    put(chip, 0x19, 7, at_us)
    later_us = at_us + 100_000
    assert get(chip, 0x6B, later_us)[0] == 0x40
    assert get(chip, 0x19, later_us)[0] == 0
    assert fifo_count(chip, later_us) == 0


def test_a_brown_out_leaves_an_mpu_6050_asleep_with_an_empty_fifo() -> None:
    chip = Chip(counting)
    start(chip)
    chip.brown_out(START_US + 52_000)
    later_us = START_US + 1_000_000
    assert get(chip, 0x6B, later_us)[0] == 0x40
    assert get(chip, 0x1C, later_us)[0] == 0
    assert fifo_count(chip, later_us) == 0
    assert chip.sample_count == 10


def test_after_a_brown_out_the_recording_goes_on_where_the_chip_stopped() -> None:
    chip = Chip(counting)
    start(chip)
    chip.brown_out(START_US + 52_000)
    for register, value in ((0x19, 4), (0x1A, 3), (0x1B, 8), (0x1C, 8), (0x23, 0x78), (0x6B, 1)):
        put(chip, register, value, START_US + 1_000_000)
    put(chip, 0x6A, 0x40, START_US + 1_000_000)
    assert fifo(chip, START_US + 1_010_000)[:, 0].tolist() == [10, 11]


def test_read_only_registers_stay_as_they_are() -> None:
    chip = Chip(feed.still)
    start(chip)
    put(chip, 0x75, 0x00, START_US + 5_000)
    put(chip, 0x3F, 0x7F, START_US + 5_000)
    assert get(chip, 0x75, START_US + 5_000)[0] == 0x68
    assert words(get(chip, 0x3F, START_US + 5_000, 2), 1)[0, 0] == 8192


def test_axes_in_standby_read_nothing() -> None:
    chip = Chip(feed.by_index(np.array([[0.5] * 3 + [50.0] * 3])))
    start(chip)
    put(chip, 0x6C, 0x20 | 0x01)
    assert (fifo(chip, START_US + 5_000)[0] == 0).tolist() == [True, *[False] * 4, True]


def test_an_axis_can_be_stuck() -> None:
    chip = Chip(counting)
    start(chip)
    chip.advance(START_US + 10_000)
    chip.stuck[2] = -5
    assert fifo(chip, START_US + 20_000)[:, 2].tolist() == [0, 1, -5, -5]


def test_who_does_not_answer_gives_nothing_and_goes_on_sampling() -> None:
    chip = Chip(counting)
    start(chip)
    chip.nack_until_us = START_US + 50_000
    assert not chip.write(b"\x74", START_US + 49_999)
    assert chip.read(1, START_US + 49_999) is None
    assert len(fifo(chip, START_US + 50_000)) == 10
    chip.absent = True
    assert not chip.write(b"", START_US + 60_000)


def test_a_chip_that_holds_the_bus_lets_go_after_its_clocks() -> None:
    chip = Chip(feed.still)
    chip.sda_low_clocks = 9
    assert not chip.write(b"\x75", 0)
    assert [chip.clock() for _ in range(9)] == [False] * 8 + [True]
    assert get(chip, 0x75, 0) == b"\x68"


def test_noise_has_the_rms_asked_for_and_is_the_same_for_the_same_seed() -> None:
    def noisy(seed: int) -> feed.Int64:
        chip = Chip(feed.still, noise=Noise(0.01, 0.5, seed))
        start(chip, divider=0)
        blocks = [fifo(chip, START_US + 80_000 * block) for block in range(1, 51)]
        return np.concatenate(blocks).astype(np.int64)

    six = noisy(1)
    deviation = six.std(axis=0) * np.repeat([4, 500], 3) / 32768
    assert deviation == pytest.approx(np.repeat([0.01, 0.5], 3), rel=0.05)
    correlation = np.corrcoef(six.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.08
    assert (noisy(1) == six).all()
    assert (noisy(2) != six).any()


def test_ten_minutes_read_in_time_lose_nothing() -> None:
    chip = Chip(counting, ppm=1234.5)
    start(chip)
    times = range(START_US + 200_000, START_US + 600_000_001, 200_000)
    shown = np.concatenate([fifo(chip, at_us)[:, 0] for at_us in times])
    assert (shown == np.arange(len(shown)) % 32768).all()
    assert len(shown) == chip.sample_count == int(120_000 * (1 + 1234.5e-6))
