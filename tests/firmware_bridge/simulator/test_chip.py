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
SIX = [0, 1, 2, 4, 5, 6]
"""The words of a sample without the temperature."""


@pytest.mark.parametrize("who_am_i", MODELS)
def test_registers_have_the_power_on_values_of_the_register_map(who_am_i: int) -> None:
    chip = Chip(feed.still, who_am_i=who_am_i)
    numbers = [*range(0x19, 0x3A), *range(0x61, 0x76)]
    values = {number: value for number in numbers if (value := get(chip, number, 0)[0])}
    assert values == {0x75: who_am_i, 0x6B: 0x40 if who_am_i == 0x68 else 0x01}
    # An MPU-6050 sleeps after power-on, the later chips do not.
    chip.advance(1_000_000)
    assert bool(chip.sample_count) == (who_am_i != 0x68)
    assert (get(chip, 0x3B, 1_000_000, 14) == bytes(14)) == (who_am_i == 0x68)


RATES = [(0, 159, 50), (7, 79, 100), (1, 19, 50), (3, 9, 100), (6, 4, 200), (4, 0, 1000)]


# The later chips divide only with the low-pass on.
@pytest.mark.parametrize(
    ("who_am_i", "low_pass", "divider", "rate_hz"),
    [*((0x68, *rate) for rate in RATES), (0x70, 0, 19, 8000), (0x70, 7, 19, 8000)],
)
def test_the_sample_rate_is_the_gyro_rate_divided(
    who_am_i: int, low_pass: int, divider: int, rate_hz: int
) -> None:
    chip = start(Chip(feed.still, who_am_i=who_am_i), divider, low_pass)
    before = chip.sample_count
    chip.advance(START_US + 10_000_000)
    assert chip.sample_count - before == 10 * rate_hz


@pytest.mark.parametrize("ppm", [-20_000, 5_000, 20_000])
def test_the_oscillator_has_the_requested_error(ppm: float) -> None:
    chip = start(Chip(feed.still, ppm=ppm))
    chip.advance(START_US + 1_000_000_000)
    assert chip.sample_count == pytest.approx(200_000 * (1 + ppm * 1e-6), abs=1)


@pytest.mark.parametrize("scale", range(4))
def test_physical_values_come_back_within_half_an_lsb_at_every_full_scale(scale: int) -> None:
    acc_g, gyro_dps = 2 << scale, 250 << scale
    motion = np.array([[0.3, -0.7, 1.9, 12.3, -200.7, 249.9]])
    chip = start(Chip(feed.by_index(motion)))
    put(chip, 0x1C, scale << 3)
    put(chip, 0x1B, scale << 3)
    shown = words(get(chip, 0x3B, START_US + 5_000, 14), 7)[0]
    exact = motion[0] / np.repeat([acc_g, gyro_dps], 3) * 32768
    assert np.abs(shown[SIX] - exact).max() <= 0.5


def test_a_new_full_scale_holds_from_the_next_sample_on() -> None:
    chip = start(Chip(feed.still))
    put(chip, 0x1C, 0x00, START_US + 7_000)
    values = [words(get(chip, 0x3F, START_US + at_us, 2), 1)[0, 0] for at_us in (8_000, 10_000)]
    assert values == [8192, 16384]


def test_values_beyond_full_scale_saturate() -> None:
    chip = start(Chip(feed.by_index(np.array([[4.1, -4.1, 40.0, 501.0, -501.0, -9999.0]]))))
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
    chip = start(Chip(counting), fifo=0)
    put(chip, 0x38, 0x01)
    burst = words(get(chip, 0x3B, START_US + 52_000, 14), 7)[0]
    assert set(burst[SIX]) == {9}
    assert chip.write(b"\x3b", START_US + 54_000)
    late = b"".join(
        chip.read(1, START_US + 54_000 + 3000 * step, continued=step > 0) or b""
        for step in range(14)
    )
    assert set(words(late, 7)[0][SIX]) == {9}
    times_us = START_US + 100_000 + 3000 * np.arange(14)
    single = b"".join(get(chip, 0x3B + step, int(us)) for step, us in enumerate(times_us))
    assert len(set(words(single, 7)[0])) > 2


def test_data_ready_is_a_pulse_of_50_us_at_each_sample() -> None:
    chip = start(Chip(feed.still))
    assert chip.next_data_ready_us(START_US) is None
    put(chip, 0x38, 0x01)
    assert chip.next_data_ready_us(START_US) == START_US + 5_000
    levels = [chip.interrupt(START_US + at_us) for at_us in (4_999, 5_000, 5_049, 5_050, 10_000)]
    assert levels == [False, True, True, False, True]


def test_a_latched_interrupt_lasts_until_the_status_is_read_and_may_be_active_low() -> None:
    chip = start(Chip(feed.still))
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
def test_every_announced_data_ready_occurs(ppm: float, uptime_us: int) -> None:
    chip = start(Chip(feed.still, ppm=ppm, now_us=uptime_us), divider=0)
    put(chip, 0x38, 0x01)
    now_us = uptime_us
    for number in range(2_000):
        next_us = chip.next_data_ready_us(now_us)
        assert next_us is not None
        assert next_us > now_us
        assert chip.sample_count == number
        now_us = next_us
        assert chip.interrupt(now_us)


def test_no_sample_is_taken_in_sleep_or_with_a_stopped_clock() -> None:
    for power in (0x40, 0x07):
        chip = start(Chip(feed.still))
        put(chip, 0x38, 0x01)
        put(chip, 0x6B, power, START_US + 52_000)
        assert chip.next_data_ready_us(START_US + 52_000) is None
        assert fifo_count(chip, START_US + 60_000_000) == 120
        put(chip, 0x6B, 0x01, START_US + 60_000_000)
        assert chip.next_data_ready_us(START_US + 60_000_000) == START_US + 60_005_000


def test_a_device_reset_takes_its_time_and_leaves_reset_values() -> None:
    chip = start(Chip(feed.still))
    at_us = START_US + 50_000
    put(chip, 0x6B, 0x80, at_us)
    assert get(chip, 0x6B, at_us)[0] == 0xC0
    put(chip, 0x19, 7, at_us)
    later_us = at_us + 100_000
    assert get(chip, 0x6B, later_us)[0] == 0x40
    assert get(chip, 0x19, later_us)[0] == 0
    assert fifo_count(chip, later_us) == 0


def test_after_a_brown_out_a_chip_sleeps_and_then_continues_its_recording() -> None:
    chip = start(Chip(counting))
    chip.brown_out(START_US + 52_000)
    later_us = START_US + 1_000_000
    assert get(chip, 0x6B, later_us)[0] == 0x40
    assert get(chip, 0x1C, later_us)[0] == 0
    assert fifo_count(chip, later_us) == 0
    assert chip.sample_count == 10
    start(chip, now_us=later_us)
    assert fifo(chip, later_us + 10_000)[:, 0].tolist() == [10, 11]


def test_read_only_registers_stay_as_they_are() -> None:
    chip = start(Chip(feed.still))
    put(chip, 0x75, 0x00, START_US + 5_000)
    put(chip, 0x3F, 0x7F, START_US + 5_000)
    assert get(chip, 0x75, START_US + 5_000)[0] == 0x68
    assert words(get(chip, 0x3F, START_US + 5_000, 2), 1)[0, 0] == 8192


def test_axes_in_standby_read_zero() -> None:
    chip = start(Chip(feed.by_index(np.array([[0.5] * 3 + [50.0] * 3]))))
    put(chip, 0x6C, 0x20 | 0x01)
    assert (fifo(chip, START_US + 5_000)[0] == 0).tolist() == [True, *[False] * 4, True]


def test_an_axis_can_be_stuck() -> None:
    chip = start(Chip(counting))
    chip.advance(START_US + 10_000)
    chip.stuck[2] = -5
    assert fifo(chip, START_US + 20_000)[:, 2].tolist() == [0, 1, -5, -5]


def test_a_chip_that_does_not_answer_continues_to_sample() -> None:
    chip = start(Chip(counting))
    chip.nack_until_us = START_US + 50_000
    assert not chip.write(b"\x74", START_US + 49_999)
    assert chip.read(1, START_US + 49_999) is None
    assert len(fifo(chip, START_US + 50_000)) == 10
    chip.absent = True
    assert not chip.write(b"", START_US + 60_000)


def test_a_chip_releases_the_bus_after_the_clock_pulses() -> None:
    chip = Chip(feed.still)
    chip.sda_low_clocks = 9
    assert not chip.write(b"\x75", 0)
    assert [chip.clock() for _ in range(9)] == [False] * 8 + [True]
    assert get(chip, 0x75, 0) == b"\x68"


def test_noise_has_the_requested_rms_and_repeats_with_its_seed() -> None:
    def noisy(seed: int) -> feed.Int64:
        chip = start(Chip(feed.still, noise=Noise(0.01, 0.5, seed)), divider=0)
        blocks = [fifo(chip, START_US + 80_000 * block) for block in range(1, 51)]
        return np.concatenate(blocks).astype(np.int64)

    six = noisy(1)
    deviation = six.std(axis=0) * np.repeat([4, 500], 3) / 32768
    assert deviation == pytest.approx(np.repeat([0.01, 0.5], 3), rel=0.05)
    correlation = np.corrcoef(six.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.08
    assert (noisy(1) == six).all()
    assert (noisy(2) != six).any()


def test_ten_minutes_of_timely_reads_lose_no_sample() -> None:
    chip = start(Chip(counting, ppm=1234.5))
    times = range(START_US + 200_000, START_US + 600_000_001, 200_000)
    shown = np.concatenate([fifo(chip, at_us)[:, 0] for at_us in times])
    assert (shown == np.arange(len(shown)) % 32768).all()
    assert len(shown) == chip.sample_count == int(120_000 * (1 + 1234.5e-6))
