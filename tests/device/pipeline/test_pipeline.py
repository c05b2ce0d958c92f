from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.decision.decision import Decision, to_json
from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.mounting.spec import MountingSpec
from device.pipeline.pipeline import Pipeline
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64, Samples
from tests.device.signal.streams import SPEC, chunks, moments, walk


@dataclass(frozen=True)
class StandIn:
    """As much of a bundle as the pipeline reads."""

    id: str = "waist@00000000"
    labels: tuple[str, ...] = ("calm", "lively")
    spec: SignalSpec = SPEC
    decision: DecisionSpec = DecisionSpec(0.0)  # noqa: RUF009 -- it is frozen
    orientation: MountingSpec | None = None
    worn: NonwearSpec | None = None


STAYS = ((0.95, 0.02, 0.03), (0.02, 0.95, 0.03), (0.04, 0.06, 0.9))
EVERYTHING = StandIn(
    decision=DecisionSpec(0.6, True, 1.5, HmmSpec(STAYS, (0.4, 0.4, 0.2), 0.7)),
    orientation=MountingSpec(
        ("calm",), enough_windows=5.0, break_after_s=4.0, steady_gravity=0.0, rhythm=0.0, bounce=0.0
    ),
)
"""A bundle that uses all there is."""


def by_liveliness(x: NDArray[np.float32]) -> Float64:
    """Probability of the second label, by how far body acceleration reaches; window by window."""
    lively = [min(1.0, float(np.abs(window[:, 6:]).max())) for window in x]
    return np.array([[1 - p, p] for p in lively])


def with_none_of_these(x: NDArray[np.float32]) -> Float64:
    """As by_liveliness, by one axis only; what turns about it is rather none of the labels."""
    rows = []
    for window in x:
        lively = min(1.0, float(np.abs(window[:, 6]).max()))
        turning = min(1.0, float(np.abs(window[:, 3]).mean()))
        rows.append([(1 - lively) / (1 + turning), lively / (1 + turning), turning / (1 + turning)])
    return np.array(rows)


STATES = ("ok", "unknown", "warming_up", "no_data", "not_worn")


def pipeline(unknown_threshold: float = 0.0) -> Pipeline:
    return Pipeline(StandIn(decision=DecisionSpec(unknown_threshold)), by_liveliness)


def states(decisions: list[Decision]) -> list[str]:
    """The states in turn, repeats left out."""
    return [d.state for i, d in enumerate(decisions) if not i or decisions[i - 1].state != d.state]


def with_gap(gap_s: float, n: int = 1000) -> Samples:
    t_s = moments(n, 50)
    t_s[n // 2 :] += gap_s
    return walk(t_s)


def test_first_it_warms_up_and_says_until_when() -> None:
    warming, *rest = pipeline().push(walk(moments(1000, 50)))
    assert warming == Decision(0.0, warming.end_s, None, "warming_up", None, "start", None, None,
                               0, "waist@00000000")  # fmt: skip
    assert warming.end_s == pytest.approx(rest[0].end_s)
    assert {d.state for d in rest} == {"ok"}
    assert all(a.start_s < b.start_s for a, b in pairwise(rest) if a.start_s and b.start_s)


def test_a_window_becomes_the_likeliest_label() -> None:
    loud = Samples(
        moments(1000, 50), np.random.default_rng(0).normal(size=(1000, 3)), np.zeros((1000, 3))
    )
    still = Samples(moments(1000, 50), np.tile([0.0, 0.0, 1.0], (1000, 1)), np.zeros((1000, 3)))
    for samples, label in [(loud, "lively"), (still, "calm")]:
        for said in pipeline().push(samples)[1:]:
            assert said.activity == label
            assert said.probabilities is not None
            assert said.confidence == said.probabilities[label] == max(said.probabilities.values())


def test_below_the_threshold_it_does_not_know() -> None:
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
def test_a_gap_is_said_once_and_then_it_warms_up(gap_s: float, expected: list[str]) -> None:
    samples = with_gap(gap_s)
    said = pipeline().push(samples)
    assert states(said) == expected
    for hole in (d for d in said if d.state == "no_data"):
        assert hole.start_s == samples.t_s[499]
        assert hole.end_s == samples.t_s[499] + 2.0
        assert hole.lost == 0


def test_live_silence_says_what_the_gap_would_have_said() -> None:
    samples = with_gap(8.0)
    offline = pipeline().push(samples)
    live = pipeline()
    said = live.push(samples[:500])
    assert live.silence(4.9) == []
    said += live.silence(5.0)
    assert live.silence(6.0) == live.silence(500.0) == []
    said += live.push(samples[500:])
    assert said == offline
    assert live.counts["no_data"] == 1


def test_each_hole_gets_its_own_word() -> None:
    live, samples = pipeline(), walk(moments(1000, 50))
    live.push(samples[:100])
    first = live.silence(5.0)
    late = Samples(samples.t_s[100:200] + 30, samples.acc_g[100:200], samples.gyro_rad_s[100:200])
    assert states(live.push(late)) == ["warming_up"]
    second = live.silence(5.0)
    assert [d.start_s for d in first + second] == [samples.t_s[99], late.t_s[-1]]


def test_a_line_that_was_only_late_goes_on_without_a_gap() -> None:
    samples, live = walk(moments(1000, 50)), pipeline()
    said = live.push(samples[:500]) + live.silence(7.0) + live.push(samples[500:])
    assert [d for d in said if d.state != "no_data"] == pipeline().push(samples)


def test_silence_before_the_first_sample_has_no_times() -> None:
    live = pipeline()
    assert live.silence(1.0) == []
    (said,) = live.silence(5.0)
    assert (said.state, said.start_s, said.end_s) == ("no_data", None, None)
    assert live.silence(60.0) == []
    assert states(live.push(walk(moments(1000, 50)))) == ["warming_up", "ok"]


def test_counts_say_all_that_happened() -> None:
    samples = with_gap(3.0)
    samples.acc_g[700] = np.nan
    live = pipeline()
    said = live.push(replace(samples, lost=7))
    counts = live.counts
    assert counts["samples"] == 999
    assert (counts["lost"], counts["not_finite"], counts["gaps"]) == (7, 1, 1)
    assert counts["windows"] == counts["ok"] + counts["unknown"]
    assert (counts["warming_up"], counts["no_data"]) == (2, 1)
    assert len(said) == counts["ok"] + 3
    assert sum(d.lost for d in said) == 8


@settings(max_examples=30, deadline=None)
@given(
    gap_s=st.sampled_from([0.0, 0.1, 1.0, 5.0]),
    cuts=st.lists(st.integers(0, 1000), max_size=20),
    rate_hz=st.sampled_from([50, 104]),
)
def test_any_chunking_gives_the_same_lines(gap_s: float, cuts: list[int], rate_hz: float) -> None:
    samples = walk(moments(1500, rate_hz, 0.2, 3), lost=2)
    samples.t_s[700:] += gap_s
    samples.gyro_rad_s[900] = np.inf
    parts, whole = pipeline(unknown_threshold=0.6), pipeline(unknown_threshold=0.6)
    said = [d for block in chunks(samples, cuts) for d in parts.push(block)]
    expected = whole.push(samples)
    assert said == expected
    assert [to_json(d) for d in said] == [to_json(d) for d in expected]
    assert parts.counts == whole.counts


@settings(max_examples=30, deadline=None)
@given(
    gap_s=st.sampled_from([0.0, 0.1, 1.0, 5.0]),
    cuts=st.lists(st.integers(0, 1500), max_size=20),
    rate_hz=st.sampled_from([50, 104]),
)
def test_nor_does_chunking_show_where_the_past_counts(
    gap_s: float, cuts: list[int], rate_hz: float
) -> None:
    samples = walk(moments(1500, rate_hz, 0.2, 3), lost=2)
    samples.t_s[1000:] += gap_s
    parts, whole = (Pipeline(EVERYTHING, with_none_of_these) for _ in range(2))
    said = [d for block in chunks(samples, cuts) for d in parts.push(block)]
    assert said == whole.push(samples)
    assert parts.orientation is not None
    assert whole.orientation is not None
    assert parts.orientation.to_state() == whole.orientation.to_state()
    assert parts.orientation.to_state()["windows"] > 0


def after_a_gap(gap_s: float) -> list[float]:
    """Confidences in the first windows after a gap in a long walk, smoothed."""
    smoothed = replace(EVERYTHING, orientation=None)
    samples = walk(moments(3000, 50))
    samples.t_s[2000:] += gap_s
    said = Pipeline(smoothed, with_none_of_these).push(samples)
    return [d.confidence for d in said if d.start_s and d.start_s > 40.0 + gap_s and d.confidence]


def test_a_long_gap_forgets_what_was_done_before_it_and_a_short_one_does_not() -> None:
    fresh = Pipeline(replace(EVERYTHING, orientation=None), with_none_of_these)
    samples = walk(moments(3000, 50))
    begun = [d.confidence for d in fresh.push(samples[2000:]) if d.confidence]
    assert after_a_gap(5.0)[:3] == pytest.approx(begun[:3], abs=1e-6)
    assert after_a_gap(1.0)[0] != pytest.approx(begun[0], abs=1e-6)


def test_a_rotation_that_is_given_is_a_mounting_that_is_known() -> None:
    told = Pipeline(EVERYTHING, with_none_of_these, np.eye(3))
    assert told.orientation is None
    samples = Samples(moments(1000, 50), np.tile([0.0, 0.0, 1.0], (1000, 1)), np.zeros((1000, 3)))
    assert {d.state for d in told.push(samples)[3:]} == {"ok"}
    finding = Pipeline(EVERYTHING, with_none_of_these)
    assert {d.reason for d in finding.push(samples)[3:]} == {"mounting"}


def always_alike(x: NDArray[np.float32]) -> Float64:
    """Leave it to the past alone to make a difference."""
    return np.tile([0.2, 0.7, 0.1], (len(x), 1))


def test_what_was_believed_before_the_mounting_was_known_does_not_last() -> None:
    finding = Pipeline(EVERYTHING, always_alike)
    assert finding.orientation is not None
    samples = walk(moments(3000, 50))
    confidences: list[float] = []
    known: list[bool] = []
    for start in range(0, len(samples), 64):
        for said in finding.push(samples[start : start + 64]):
            if said.confidence is not None:
                confidences.append(said.confidence)
                known.append(finding.orientation.known)
    first = known.index(True)
    assert first > 2
    assert confidences[first - 1] > confidences[0]
    assert confidences[first : 2 * first] == confidences[:first]


@given(st.integers(40, 1400), st.floats(6.0, 20.0))
def test_a_silence_told_live_leaves_decisions_in_order_and_as_they_are_offline(
    at: int, gap_s: float
) -> None:
    samples = walk(moments(1500, 50, 0.3))
    later = replace(samples, t_s=samples.t_s + gap_s * (np.arange(1500) >= at))
    offline = Pipeline(EVERYTHING, with_none_of_these).push(later)
    live = Pipeline(EVERYTHING, with_none_of_these)
    decisions = live.push(later[:at]) + live.silence(5.0) + live.push(later[at:])
    assert decisions == offline
    # The end of `warming_up` is when the first window will be ready, unless a gap comes first.
    ends_s = [one.end_s for one in decisions if one.end_s and one.state != "warming_up"]
    assert ends_s == sorted(ends_s)
    assert sum(live.counts[state] for state in STATES) == len(decisions)


def test_samples_that_come_late_without_a_gap_are_decided_once() -> None:
    samples = walk(moments(1500, 50))
    offline = pipeline().push(samples)
    for at in range(700, 800, 7):
        live = pipeline()
        before, told, after = live.push(samples[:at]), live.silence(5.0), live.push(samples[at:])
        assert told[-1].state == "no_data"
        decisions = [*before, *told[:-1], *after]
        assert [d.start_s for d in decisions] == [d.start_s for d in offline]
        # Only a window that was decided before the late samples came may differ.
        assert sum(one != other for one, other in zip(decisions, offline, strict=True)) <= 1
        assert live.counts["ok"] == sum(one.state == "ok" for one in decisions)
