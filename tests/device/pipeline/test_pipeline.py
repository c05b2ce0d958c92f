from dataclasses import replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.decision.decision import Decision, State
from device.decision.judge import DecisionSpec
from device.pipeline.pipeline import Pipeline
from firmware_bridge.samples import Samples
from tests.device.pipeline.models import (
    EVERYTHING,
    StandIn,
    assert_chunking_changes_nothing,
    by_liveliness,
    constant,
    states,
    with_unknown,
)
from tests.device.signal.streams import moments, walk


def pipeline(unknown_threshold: float = 0.0) -> Pipeline:
    return Pipeline(StandIn(decision=DecisionSpec(unknown_threshold)), by_liveliness)


def with_gap(gap_s: float, n: int = 1000) -> Samples:
    t_s = moments(n, 50)
    t_s[n // 2 :] += gap_s
    return walk(t_s)


def test_the_first_decision_is_the_warm_up_with_its_end() -> None:
    warming, *rest = pipeline().push(walk(moments(1000, 50)))
    assert warming == Decision(0.0, warming.end_s, None, "warming_up", None, "start", None, None,
                               0, "waist@00000000")  # fmt: skip
    assert warming.end_s == pytest.approx(rest[0].end_s)
    assert {d.state for d in rest} == {"ok"}
    assert all(a.start_s < b.start_s for a, b in pairwise(rest) if a.start_s and b.start_s)


def test_the_activity_is_the_most_probable_class() -> None:
    loud = np.random.default_rng(0).normal(size=(1000, 3))
    for acc_g, label in [(loud, "lively"), (np.tile([0.0, 0.0, 1.0], (1000, 1)), "calm")]:
        samples = Samples(moments(1000, 50), acc_g, np.zeros((1000, 3)))
        for decision in pipeline().push(samples)[1:]:
            assert decision.activity == label
            probabilities = decision.probabilities
            assert probabilities is not None
            assert decision.confidence == probabilities[label] == max(probabilities.values())


def test_below_the_threshold_a_window_is_unknown() -> None:
    sure = pipeline(unknown_threshold=0.5).push(walk(moments(1000, 50)))[1:]
    unsure = pipeline(unknown_threshold=0.999).push(walk(moments(1000, 50)))[1:]
    assert {d.state for d in sure} == {"ok"}
    for a, b in zip(sure, unsure, strict=True):
        assert (b.state, b.activity, b.reason) == ("unknown", None, "unsure")
        assert (a.confidence, a.probabilities) == (b.confidence, b.probabilities)


@pytest.mark.parametrize(
    ("gap_s", "expected"),
    [
        (0.0, ["warming_up", "ok"]),
        (0.2, ["warming_up", "ok"]),
        (1.0, ["warming_up", "ok", "warming_up", "ok"]),
        (2.5, ["warming_up", "ok", "no_data", "warming_up", "ok"]),
        (1e6, ["warming_up", "ok", "no_data", "warming_up", "ok"]),
    ],
)
def test_a_gap_is_reported_once_and_followed_by_a_warm_up(
    gap_s: float, expected: list[str]
) -> None:
    samples = with_gap(gap_s)
    decisions = pipeline().push(samples)
    assert states(decisions) == expected
    for gap in (d for d in decisions if d.state == "no_data"):
        assert (gap.start_s, gap.end_s) == (samples.t_s[499], samples.t_s[499] + 2.0)
        assert gap.lost == 0


def test_each_silence_is_reported() -> None:
    live, samples = pipeline(), walk(moments(1000, 50))
    live.push(samples[:100])
    first = live.silence(5.0)
    late = Samples(samples.t_s[100:200] + 30, samples.acc_g[100:200], samples.gyro_rad_s[100:200])
    assert states(live.push(late)) == ["warming_up"]
    second = live.silence(5.0)
    assert [d.start_s for d in first + second] == [samples.t_s[99], late.t_s[-1]]


def test_late_samples_without_a_gap_continue_the_stretch() -> None:
    samples, live = walk(moments(1000, 50)), pipeline()
    decisions = live.push(samples[:500]) + live.silence(7.0) + live.push(samples[500:])
    assert [d for d in decisions if d.state != "no_data"] == pipeline().push(samples)


def test_silence_before_the_first_sample_has_no_times() -> None:
    live = pipeline()
    assert live.silence(1.0) == []
    (decision,) = live.silence(5.0)
    assert (decision.state, decision.start_s, decision.end_s) == ("no_data", None, None)
    assert live.silence(60.0) == []
    assert states(live.push(walk(moments(1000, 50)))) == ["warming_up", "ok"]


def test_counts() -> None:
    samples = with_gap(3.0)
    samples.acc_g[700] = np.nan
    live = pipeline()
    decisions = live.push(replace(samples, lost=7))
    counts = live.counts
    assert counts["samples"] == 999
    assert (counts["lost"], counts["not_finite"], counts["gaps"]) == (7, 1, 1)
    assert counts["windows"] == counts["ok"] + counts["unknown"]
    assert (counts["warming_up"], counts["no_data"]) == (2, 1)
    assert len(decisions) == counts["ok"] + 3
    assert sum(d.lost for d in decisions) == 8


@settings(max_examples=30, deadline=None)
@given(
    gap_s=st.sampled_from([0.0, 0.1, 1.0, 5.0]),
    cuts=st.lists(st.integers(0, 1500), max_size=20),
    rate_hz=st.sampled_from([50, 104]),
)
@pytest.mark.parametrize("memory", [False, True])
def test_chunking_changes_no_decision(
    gap_s: float, cuts: list[int], rate_hz: float, memory: bool
) -> None:
    samples = walk(moments(1500, rate_hz, 0.2, 3), lost=2)
    samples.t_s[1000:] += gap_s
    samples.gyro_rad_s[900] = np.inf
    whole = assert_chunking_changes_nothing(
        lambda: Pipeline(EVERYTHING, with_unknown) if memory else pipeline(0.6), samples, cuts
    )
    if memory:
        assert whole.orientation is not None
        assert whole.orientation.to_state()["windows"] > 0


def after_a_gap(gap_s: float) -> list[float]:
    """Return the smoothed confidences of the first windows after a gap in a long walk."""
    smoothed = replace(EVERYTHING, orientation=None)
    samples = walk(moments(3000, 50))
    samples.t_s[2000:] += gap_s
    decisions = Pipeline(smoothed, with_unknown).push(samples)
    return [
        d.confidence for d in decisions if d.start_s and d.start_s > 40.0 + gap_s and d.confidence
    ]


def test_a_long_gap_resets_the_belief_and_a_short_gap_does_not() -> None:
    fresh = Pipeline(replace(EVERYTHING, orientation=None), with_unknown)
    samples = walk(moments(3000, 50))
    begun = [d.confidence for d in fresh.push(samples[2000:]) if d.confidence]
    assert after_a_gap(5.0)[:3] == pytest.approx(begun[:3], abs=1e-6)
    assert after_a_gap(1.0)[0] != pytest.approx(begun[0], abs=1e-6)


def test_with_a_given_rotation_the_mounting_is_known() -> None:
    given = Pipeline(EVERYTHING, with_unknown, np.eye(3))
    assert given.orientation is None
    samples = Samples(moments(1000, 50), np.tile([0.0, 0.0, 1.0], (1000, 1)), np.zeros((1000, 3)))
    assert {d.state for d in given.push(samples)[3:]} == {"ok"}
    finding = Pipeline(EVERYTHING, with_unknown)
    assert {d.reason for d in finding.push(samples)[3:]} == {"mounting"}


def test_the_belief_is_reset_when_the_mounting_becomes_known() -> None:
    finding = Pipeline(EVERYTHING, constant)
    assert finding.orientation is not None
    samples = walk(moments(3000, 50))
    confidences: list[float] = []
    known: list[bool] = []
    for start in range(0, len(samples), 64):
        for decision in finding.push(samples[start : start + 64]):
            if decision.confidence is not None:
                confidences.append(decision.confidence)
                known.append(finding.orientation.known)
    first = known.index(True)
    assert first > 2
    assert confidences[first - 1] > confidences[0]
    assert confidences[first : 2 * first] == confidences[:first]


@given(st.integers(40, 1400), st.floats(6.0, 20.0))
def test_live_silence_gives_the_offline_decisions_in_order(at: int, gap_s: float) -> None:
    samples = walk(moments(1500, 50, 0.3))
    later = replace(samples, t_s=samples.t_s + gap_s * (np.arange(1500) >= at))
    offline = Pipeline(EVERYTHING, with_unknown).push(later)
    live = Pipeline(EVERYTHING, with_unknown)
    decisions = live.push(later[:at])
    assert live.silence(4.9) == []
    decisions += live.silence(5.0)
    assert live.silence(6.0) == live.silence(500.0) == []
    decisions += live.push(later[at:])
    assert decisions == offline
    assert live.counts["no_data"] == 1
    # A gap may come before the end of `warming_up`, which is when the first window is expected.
    ends_s = [one.end_s for one in decisions if one.end_s and one.state != "warming_up"]
    assert ends_s == sorted(ends_s)
    assert sum(live.counts[state] for state in get_args(State)) == len(decisions)


def test_a_window_before_late_samples_is_decided_once() -> None:
    samples = walk(moments(1500, 50))
    offline = pipeline().push(samples)
    for at in range(700, 800, 7):
        live = pipeline()
        before, silence, after = live.push(samples[:at]), live.silence(5.0), live.push(samples[at:])
        assert silence[-1].state == "no_data"
        decisions = [*before, *silence[:-1], *after]
        assert [d.start_s for d in decisions] == [d.start_s for d in offline]
        # Only a window that was decided before the late samples came may differ.
        assert sum(one != other for one, other in zip(decisions, offline, strict=True)) <= 1
        assert live.counts["ok"] == sum(one.state == "ok" for one in decisions)
