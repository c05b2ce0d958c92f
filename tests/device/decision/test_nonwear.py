"""The non-wear detector on tables and on people who sit and lie still."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.decision.nonwear import NonwearDetector, NonwearSpec, rate_rad_s
from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from train.datasets import wrist
from train.studies.unworn import unworn

HOP_S = 1.28
SPEC = NonwearSpec()
TABLE = (0.0, 0.0, 1.0)


def detector() -> NonwearDetector:
    return NonwearDetector(SPEC, HOP_S)


def at_rest(
    count: int,
    rate_rad_s: float = 0.0004,
    acc_g: float = 0.002,
    up: tuple[float, ...] = TABLE,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return windows (count, 128, 9) of noise; the deviations are over all axes."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 128, 9)) / 3**0.5
    x *= np.repeat([acc_g, rate_rad_s, acc_g], 3)
    x[..., :3] += up
    return x.astype(np.float32)


def worn(
    windows: Iterable[NDArray[np.float32]], by: NonwearDetector | None = None
) -> list[bool | None]:
    by = by or detector()
    return [by.see(x) for x in windows]


def test_a_still_sensor_is_doubtful_and_then_not_worn() -> None:
    answers = worn(at_rest(1000))
    for answer, from_s in ((None, SPEC.doubt_after_s), (False, SPEC.after_s)):
        first = answers.index(answer)
        assert first * HOP_S <= from_s <= (first + 1) * HOP_S
    assert [key for key, _ in groupby(answers)] == [True, None, False]


@settings(max_examples=20)
@given(bias=st.lists(st.floats(-0.35, 0.35), min_size=3, max_size=3), tilt=st.floats(-np.pi, np.pi))
def test_gyro_bias_and_tilt_do_not_matter(bias: list[float], tilt: float) -> None:
    x = at_rest(720, up=(np.sin(tilt), 0.0, np.cos(tilt)))
    x[..., 3:6] += np.array(bias, np.float32)
    assert worn(x)[-1] is False


@settings(max_examples=20)
@given(rate=st.floats(1.2, 1000.0), seed=st.integers(0, 100))
def test_an_arm_that_turns_more_than_the_threshold_is_worn(rate: float, seed: int) -> None:
    assert all(worn(at_rest(100, rate_rad_s=rate * SPEC.gyro_rad_s, seed=seed)))


def test_a_sensor_that_is_carried_without_turning_is_worn() -> None:
    assert all(worn(at_rest(100, acc_g=0.02)))


@pytest.fixture
def unworn_detector() -> NonwearDetector:
    still = detector()
    assert worn(at_rest(720), still)[-1] is False
    return still


def test_a_knock_does_not_end_stillness_and_movement_does(unworn_detector: NonwearDetector) -> None:
    moving = at_rest(12, rate_rad_s=0.5, acc_g=0.3)
    knocked = [*moving[:7], *at_rest(20), *moving[:7], *at_rest(20)]
    assert set(worn(knocked, unworn_detector)) == {False}
    answers = worn(moving, unworn_detector)
    assert answers.index(True) * HOP_S <= SPEC.knock_s
    assert all(answers[answers.index(True) :])
    # Then the detector starts again.
    assert all(worn(at_rest(45), unworn_detector))


@pytest.mark.parametrize(("degrees", "answer"), [(6, True), (4, False)])
def test_a_turn_ends_stillness(
    unworn_detector: NonwearDetector, degrees: float, answer: bool
) -> None:
    up = (0.0, np.sin(np.radians(degrees)), np.cos(np.radians(degrees)))
    assert worn(at_rest(1, up=up), unworn_detector) == [answer]


@pytest.mark.parametrize("table", [{"knock_every_s": 60.0}, {"steps": True}, {"noise": 2.0}])
def test_knocks_at_the_table_do_not_delay_not_worn(table: dict[str, Any]) -> None:
    windows = windows_of(unworn(2400, **table), SignalSpec())
    answers = worn(window.x for window in windows)
    assert answers.index(False) * HOP_S < 1.5 * SPEC.after_s
    assert np.mean([answer is True for answer in answers]) < 0.1


@pytest.mark.parametrize("cutoff_hz", [8.0, 20.0])
def test_the_threshold_is_above_a_sensors_noise(cutoff_hz: float) -> None:
    spec = SignalSpec(noise_cutoff_hz=cutoff_hz)
    # The MPU-6500's gyro has twice the noise of the MPU-6050's.
    rates = [rate_rad_s(window.x) for window in windows_of(unworn(120, noise=2.0), spec)]
    assert max(rates) < SPEC.gyro_rad_s / 1.1


@pytest.mark.parametrize("name", ["mpu6050", "daily-sports"])
def test_people_who_sit_and_lie_are_never_still_for_long(data_dir: Path, name: str) -> None:
    calm = [p for p in wrist.load(name, data_dir).pieces if p.activity in {"sitting", "lying"}]
    assert calm
    for piece in calm:
        still = detector()
        for window in windows_of(piece.samples, SignalSpec(noise_cutoff_hz=8.0)):
            assert still.see(window.x)
            assert still.still_s <= 10
