"""A sensor that nobody wears, and people who sit still."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.decision.decision import Decision, to_json
from device.decision.nonwear import NonwearDetector, NonwearSpec, rate_rad_s
from device.pipeline.batching import Batching
from device.pipeline.pipeline import Pipeline
from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Float64, Samples
from tests.device.signal.streams import chunks, moments, walk
from tests.device.test_pipeline import EVERYTHING, StandIn, by_liveliness, with_none_of_these
from train.datasets import wrist
from train.studies.unworn import unworn

HOP_S = 1.28
SPEC = NonwearSpec()
SOON = NonwearSpec(doubt_after_s=6.4, after_s=12.8, knock_s=4.0)
"""For streams that are short enough to test with."""
TABLE = (0.0, 0.0, 1.0)


def at_rest(
    count: int,
    rate_rad_s: float = 0.0004,
    acc_g: float = 0.002,
    up: tuple[float, ...] = TABLE,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Windows (count, 128, 9) of noise alone, deviations over all axes."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 128, 9)) / 3**0.5
    x *= np.repeat([acc_g, rate_rad_s, acc_g], 3)
    x[..., :3] += up
    return x.astype(np.float32)


def said(windows: Iterable[NDArray[np.float32]], worn: NonwearDetector) -> list[bool | None]:
    return [worn.see(x) for x in windows]


def test_what_lies_still_is_doubted_and_then_not_worn() -> None:
    found = said(at_rest(1000), NonwearDetector(SPEC, HOP_S))
    for answer, from_s in ((None, SPEC.doubt_after_s), (False, SPEC.after_s)):
        first = found.index(answer)
        assert first * HOP_S <= from_s <= (first + 1) * HOP_S
    assert [key for key, _ in groupby(found)] == [True, None, False]


@settings(max_examples=20)
@given(
    bias=st.lists(st.floats(-0.35, 0.35), min_size=3, max_size=3),
    tilt=st.floats(-np.pi, np.pi),
)
def test_neither_the_gyros_bias_nor_how_it_lies_matters(bias: list[float], tilt: float) -> None:
    x = at_rest(720, up=(np.sin(tilt), 0.0, np.cos(tilt)))
    x[..., 3:6] += np.array(bias, np.float32)
    assert said(x, NonwearDetector(SPEC, HOP_S))[-1] is False


@settings(max_examples=20)
@given(rate=st.floats(1.2, 1000.0), seed=st.integers(0, 100))
def test_an_arm_that_turns_more_than_the_threshold_is_worn_however_long(
    rate: float, seed: int
) -> None:
    assert all(
        said(
            at_rest(100, rate_rad_s=rate * SPEC.gyro_rad_s, seed=seed), NonwearDetector(SPEC, HOP_S)
        )
    )


def test_what_is_carried_without_turning_is_worn() -> None:
    assert all(said(at_rest(100, acc_g=0.02), NonwearDetector(SPEC, HOP_S)))


def not_worn() -> NonwearDetector:
    worn = NonwearDetector(SPEC, HOP_S)
    assert said(at_rest(720), worn)[-1] is False
    return worn


def test_a_knock_ends_nothing_and_movement_does_within_seconds() -> None:
    worn, moving = not_worn(), at_rest(12, rate_rad_s=0.5, acc_g=0.3)
    knocked = said([*moving[:7], *at_rest(20), *moving[:7], *at_rest(20)], worn)
    assert set(knocked) == {False}
    found = said(moving, worn)
    assert found.index(True) * HOP_S <= SPEC.knock_s
    assert all(found[found.index(True) :])
    # And from there on it takes as long as ever.
    assert all(said(at_rest(45), worn))


def test_a_turn_ends_it_at_once() -> None:
    turned = at_rest(1, up=(0.0, np.sin(np.radians(6)), np.cos(np.radians(6))))
    assert said(turned, not_worn()) == [True]
    less = at_rest(1, up=(0.0, np.sin(np.radians(4)), np.cos(np.radians(4))))
    assert said(less, not_worn()) == [False]


def test_knocks_at_the_table_do_not_keep_it_worn() -> None:
    for kind in ({"knock_every_s": 60.0}, {"steps": True}, {"noise": 2.0}):
        those = windows_of(unworn(2400, **kind), SignalSpec())
        found = said([window.x for window in those], NonwearDetector(SPEC, HOP_S))
        assert found.index(False) * HOP_S < 1.5 * SPEC.after_s
        assert np.mean([worn is True for worn in found]) < 0.1


@pytest.mark.parametrize("cutoff_hz", [8.0, 20.0])
def test_the_threshold_is_well_above_a_sensors_noise(cutoff_hz: float) -> None:
    spec = SignalSpec(noise_cutoff_hz=cutoff_hz)
    # The MPU-6500's gyro is twice as loud as the MPU-6050's.
    rates = [rate_rad_s(window.x) for window in windows_of(unworn(120, noise=2.0), spec)]
    assert max(rates) < SPEC.gyro_rad_s / 1.1


@pytest.mark.parametrize("name", ["mpu6050", "daily-sports"])
def test_people_who_sit_and_lie_still_are_never_still_for_long(data_dir: Path, name: str) -> None:
    calm = [p for p in wrist.load(name, data_dir).pieces if p.activity in {"sitting", "lying"}]
    assert calm
    for piece in calm:
        worn = NonwearDetector(SPEC, HOP_S)
        for window in windows_of(piece.samples, SignalSpec(noise_cutoff_hz=8.0)):
            assert worn.see(window.x)
            assert worn.still_s <= 10


def states(decisions: Iterable[Decision]) -> list[tuple[str, str | None]]:
    return [key for key, _ in groupby((d.state, d.reason if d.state != "ok" else None)
                                      for d in decisions)]  # fmt: skip


def taken_off(off_s: float = 40.0, gap_s: float = 0.0, at_s: float | None = None) -> Samples:
    """Walk for 20 s, lie on a table for off_s, walk for 20 s; a hole of gap_s at at_s."""
    lying = unworn(off_s)
    count = len(lying)
    moves = walk(moments(2000, 50))
    t_s = moments(2000 + count, 50)
    if at_s is not None:
        t_s[t_s >= at_s] += gap_s
    acc, gyro = ((m[:1000], middle, m[1000:]) for m, middle in (
        (moves.acc_g, lying.acc_g), (moves.gyro_rad_s, lying.gyro_rad_s)))  # fmt: skip
    return Samples(t_s, np.concatenate(acc), np.concatenate(gyro))


def pipeline(worn: NonwearSpec | None = SOON) -> Pipeline:
    return Pipeline(StandIn(worn=worn), by_liveliness)


def test_it_is_said_window_by_window_with_its_reason_and_never_as_an_activity() -> None:
    whole = pipeline()
    found = whole.push(taken_off())
    assert states(found) == [("warming_up", "start"), ("ok", None), ("unknown", "still"),
                             ("not_worn", "still"), ("ok", None)]  # fmt: skip
    off = [d for d in found if d.state == "not_worn"]
    assert whole.counts["not_worn"] == len(off)
    assert {(d.activity, d.confidence, d.probabilities) for d in off} == {(None, None, None)}
    first, last = off[0], off[-1]
    assert first.end_s is not None
    assert last.end_s is not None
    # The gravity filter takes some seconds to forget how it was laid down.
    assert 2.56 <= first.end_s - (20 + SOON.after_s) <= 2.56 + 4
    assert -HOP_S <= last.end_s - 60 <= SOON.knock_s + HOP_S
    starts = np.array([d.start_s for d in off], float)
    np.testing.assert_allclose(np.diff(starts), HOP_S)


def test_without_its_numbers_it_is_never_said() -> None:
    assert "not_worn" not in {d.state for d in pipeline(None).push(taken_off())}


@settings(max_examples=20, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 4000), max_size=20),
    gap_s=st.sampled_from([0.0, 1.0, 5.0]),
    at_s=st.sampled_from([10.0, 30.0, 45.0, 60.0]),
)
def test_no_chunking_shows(cuts: list[int], gap_s: float, at_s: float) -> None:
    bundle = replace(EVERYTHING, worn=SOON)
    samples = taken_off(gap_s=gap_s, at_s=at_s)
    parts, whole = (Pipeline(bundle, with_none_of_these) for _ in range(2))
    said = [to_json(d) for block in chunks(samples, cuts) for d in parts.push(block)]
    assert said == [to_json(d) for d in whole.push(samples)]
    assert whole.counts["not_worn"] > 0
    assert parts.orientation is not None
    assert whole.orientation is not None
    assert parts.orientation.to_state() == whole.orientation.to_state()


@pytest.mark.parametrize("hole_at_s", [10.0, 30.0, 45.5])
def test_live_with_a_silence_it_is_what_it_is_offline(hole_at_s: float) -> None:
    samples = taken_off(gap_s=8.0, at_s=hole_at_s)
    live = pipeline()
    waiting, said = Batching(live, live.model.spec), []
    hole = int(np.searchsorted(samples.t_s, hole_at_s))
    for part in (samples[:hole], samples[hole:]):
        for first in range(0, len(part), 10):
            said += waiting.push(part[first : first + 10])
        said += waiting.push(samples[:0]) + live.silence(6.0)
    whole = pipeline()
    offline = whole.push(samples) + whole.silence(6.0)  # nothing comes after the end either
    assert said[-1].state == "no_data"
    assert [to_json(d) for d in said] == [to_json(d) for d in offline]
    assert live.counts["not_worn"] > 0


def test_a_hole_while_it_lies_there_ends_nothing() -> None:
    found = pipeline().push(taken_off(gap_s=3600.0, at_s=45.0))
    assert states(found)[3:] == [
        ("not_worn", "still"), ("no_data", "silence"), ("warming_up", "gap"),
        ("not_worn", "still"), ("ok", None),
    ]  # fmt: skip


def test_a_hole_is_no_stillness() -> None:
    samples = taken_off(off_s=8.0, gap_s=3600.0, at_s=25.0)
    assert "not_worn" not in {d.state for d in pipeline().push(samples)}


def test_what_was_believed_before_it_was_taken_off_does_not_last() -> None:
    def always_alike(x: NDArray[np.float32]) -> Float64:
        return np.tile([0.2, 0.7, 0.1], (len(x), 1))

    bundle = replace(EVERYTHING, orientation=None, worn=SOON)
    found = Pipeline(bundle, always_alike).push(taken_off())
    runs = [
        [d.confidence for d in run]
        for worn, run in groupby(found[1:], key=lambda d: d.state != "not_worn")
        if worn
    ]  # what is doubted goes on being smoothed
    assert len(runs) == 2
    assert runs[1][:5] == runs[0][:5]
    assert runs[0][0] != runs[0][-1]


def test_long_off_the_strap_may_sit_otherwise() -> None:
    trusted = {}
    for off_s in (15.0, 60.0):
        bundle = replace(EVERYTHING, worn=SOON)
        assert bundle.orientation is not None
        spec = replace(bundle.orientation, break_after_s=30.0)
        one = Pipeline(replace(bundle, orientation=spec), with_none_of_these)
        one.push(taken_off(off_s)[: round(50 * (20 + off_s))])
        assert one.orientation is not None
        before = one.orientation.frame.windows
        assert before > 5
        one.push(taken_off(off_s)[round(50 * (20 + off_s)) : round(50 * (20 + off_s + 7))])
        trusted[off_s] = one.orientation.frame.windows / before
    assert trusted[15.0] >= 1
    assert trusted[60.0] < 0.5


def test_numbers_that_make_no_sense_are_refused() -> None:
    assert NonwearSpec.from_dict(SOON.to_dict()) == SOON
    for wrong in (
        {"after_s": 0},
        {"after_s": 30},
        {"gyro_rad_s": "0.1"},
        {"body_g": True},
        {"lag": 1},
        None,
    ):
        values = None if wrong is None else {**SPEC.to_dict(), **wrong}
        with pytest.raises(InputError, match="worn"):
            NonwearSpec.from_dict(values)
