"""When and how a driver reads changes nothing about what was sampled."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import turning
from firmware_bridge.simulator.noise import Noise
from tests.firmware_bridge.simulator.driving import START_US, fifo, fifo_count, get, start

WHO = st.sampled_from([0x68, 0x70])
PPM = st.floats(-20_000, 20_000)
# 5 ms a sample: up to 40 samples between reads, and an MPU-6500 holds 42.
WAITS_US = st.lists(st.integers(0, 195_000), min_size=1, max_size=30)


def chip(who_am_i: int, ppm: float) -> Chip:
    made = Chip(turning(90.0), who_am_i=who_am_i, ppm=ppm, noise=Noise(0.005, 0.2, seed=3))
    start(made)
    return made


@given(WHO, PPM, WAITS_US)
def test_the_times_of_reads_do_not_change_the_samples(
    who_am_i: int, ppm: float, waits_us: list[int]
) -> None:
    times_us = (START_US + np.cumsum(waits_us)).tolist()
    irregular = chip(who_am_i, ppm)
    got = np.concatenate([fifo(irregular, now_us) for now_us in times_us])
    regular = chip(who_am_i, ppm)
    steps_us = range(START_US, times_us[-1], 20_000)
    expected = np.concatenate([fifo(regular, now_us) for now_us in [*steps_us, times_us[-1]]])
    assert np.array_equal(got, expected)


@given(WHO, st.data())
def test_the_cuts_between_reads_do_not_change_the_bytes(who_am_i: int, data: st.DataObject) -> None:
    whole, cut = chip(who_am_i, 0.0), chip(who_am_i, 0.0)
    now_us = START_US + 200_000
    expected = get(whole, 0x74, now_us, fifo_count(whole, now_us))
    got = b""
    while len(got) < len(expected):
        got += get(cut, 0x74, now_us, data.draw(st.integers(1, len(expected) - len(got))))
    assert got == expected
    assert fifo_count(cut, now_us) == 0


@given(WHO, PPM, st.lists(st.integers(0, 2_000_000), max_size=8), st.integers(1, 5_000_000))
def test_looking_at_other_registers_does_not_change_what_overflows(
    who_am_i: int, ppm: float, glances_us: list[int], wait_us: int
) -> None:
    watched, alone = chip(who_am_i, ppm), chip(who_am_i, ppm)
    end_us = START_US + sum(glances_us) + wait_us
    for glance_us in np.cumsum(glances_us).tolist():
        get(watched, 0x3B, START_US + glance_us, 14)
    count = fifo_count(alone, end_us)
    assert fifo_count(watched, end_us) == count
    assert get(watched, 0x74, end_us, count) == get(alone, 0x74, end_us, count)
    assert watched.sample_count == alone.sample_count


@given(st.lists(st.binary(max_size=6), max_size=20), st.lists(st.integers(0, 300), max_size=20))
def test_no_transaction_breaks_it(writes: list[bytes], counts: list[int]) -> None:
    made = chip(0x68, 0.0)
    now_us = START_US
    for data, count in zip(writes, counts, strict=False):
        now_us += 7_000
        assert made.write(data, now_us)
        answer = made.read(count, now_us)
        assert answer is not None
        assert len(answer) == count
        made.interrupt(now_us)
        assert (made.next_data_ready_us(now_us) or now_us + 1) > now_us
