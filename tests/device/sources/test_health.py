import logging
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sources import Health
from device.sources.health import HealthLog, Watcher
from firmware_bridge.samples import Samples

ACC_G, GYRO_RAD_S = 4.0, math.radians(1000)


def noisy(seconds: float, start_s: float = 0.0, seed: int = 1) -> Samples:
    """Return a sensor at rest: a few LSB of noise."""
    rng = np.random.default_rng(seed)
    n = round(50 * seconds)
    acc = rng.normal([0.0, 0.0, 1.0], 2e-3, (n, 3))
    gyro = np.radians(rng.normal(0.0, 0.05, (n, 3)))
    return Samples(start_s + np.arange(n) / 50, acc, gyro)


def watched(*blocks: Samples) -> tuple[str, ...]:
    watcher = Watcher()
    for block in blocks:
        watcher.push(block, ACC_G, GYRO_RAD_S)
    return watcher.problems


def test_a_sensor_at_rest_has_no_problems() -> None:
    assert watched() == watched(noisy(60.0)) == ()


@pytest.mark.parametrize("axis", range(6))
def test_an_axis_that_is_constant_for_a_second_is_stuck(axis: int) -> None:
    before, after = noisy(5.0), noisy(1.5, 5.0, 2)
    values = after.acc_g if axis < 3 else after.gyro_rad_s
    values[:, axis % 3] = 0.25
    assert watched(before, after[:45]) == ()
    assert watched(before, after[:55]) == ("stuck",)
    assert watched(before, after, noisy(0.1, 6.5, 3)) == ()


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_chunking_does_not_matter(cuts: list[int]) -> None:
    whole = noisy(8.0)
    whole.gyro_rad_s[330:, 1] = -0.5
    edges = [0, *sorted(cuts), 400]
    parts = [whole[a:b] for a, b in pairwise(edges)]
    assert watched(*parts) == watched(whole) == ("stuck",)


def test_a_knock_is_not_clipping() -> None:
    knocked = noisy(20.0)
    knocked.acc_g[500:503, 0] = ACC_G * 32767 / 32768
    assert watched(*(knocked[n : n + 10] for n in range(0, 1000, 10))) == ()
    swung = noisy(20.0)
    swung.gyro_rad_s[500:530, 2] = -GYRO_RAD_S
    swung.gyro_rad_s[510:530:2, 2] = 0.1  # not stuck there
    parts = [swung[n : n + 10] for n in range(0, 1000, 10)]
    assert watched(*parts[:60]) == ("clipping",)
    assert watched(*parts, noisy(5.0, 20.0)) == ()


def test_the_log_is_limited_to_one_line_a_minute_for_the_same_problems(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = HealthLog("i2c:1:0x68")
    for second in range(600):
        # On and off every ten seconds for ten minutes.
        log.look(Health(31.0, ("clipping",) if second // 10 % 2 else ()), float(second))
    assert 10 <= len(caplog.messages) <= 22
    assert caplog.messages[0] == "i2c:1:0x68: clipping"
    assert list(log.seen) == ["clipping"]
