"""Decisions while nobody wears the sensor."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.decision.decision import to_json
from device.decision.nonwear import NonwearSpec
from device.pipeline.batching import Batching
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
from train.studies.unworn import unworn

HOP_S = 1.28
SOON = NonwearSpec(doubt_after_s=6.4, after_s=12.8, knock_s=4.0)
"""Fast enough for short streams."""


def taken_off(off_s: float = 40.0, gap_s: float = 0.0, at_s: float | None = None) -> Samples:
    """Walk for 20 s, lie on a table for off_s, walk for 20 s; with a gap of gap_s at at_s."""
    walking = walk(moments(2000, 50))
    samples = Samples.joined([walking[:1000], unworn(off_s), walking[1000:]])
    t_s = moments(len(samples), 50)
    if at_s is not None:
        t_s[t_s >= at_s] += gap_s
    return replace(samples, t_s=t_s)


def pipeline(worn: NonwearSpec | None = SOON) -> Pipeline:
    return Pipeline(StandIn(worn=worn), by_liveliness)


def test_not_worn_is_reported_for_each_window_without_an_activity() -> None:
    whole = pipeline()
    decisions = whole.push(taken_off())
    assert states(decisions) == ["warming_up", "ok", "unknown", "not_worn", "ok"]
    assert {d.reason for d in decisions if d.state in {"unknown", "not_worn"}} == {"still"}
    off = [d for d in decisions if d.state == "not_worn"]
    assert whole.counts["not_worn"] == len(off)
    assert {(d.activity, d.confidence, d.probabilities) for d in off} == {(None, None, None)}
    first, last = off[0], off[-1]
    assert first.end_s is not None
    assert last.end_s is not None
    # The gravity filter takes some seconds to forget the movement before.
    assert 2.56 <= first.end_s - (20 + SOON.after_s) <= 2.56 + 4
    assert -HOP_S <= last.end_s - 60 <= SOON.knock_s + HOP_S
    starts = np.array([d.start_s for d in off], float)
    np.testing.assert_allclose(np.diff(starts), HOP_S)


def test_a_bundle_without_nonwear_never_reports_not_worn() -> None:
    assert "not_worn" not in {d.state for d in pipeline(None).push(taken_off())}


@settings(max_examples=20, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 4000), max_size=20),
    gap_s=st.sampled_from([0.0, 1.0, 5.0]),
    at_s=st.sampled_from([10.0, 30.0, 45.0, 60.0]),
)
def test_chunking_changes_no_decision(cuts: list[int], gap_s: float, at_s: float) -> None:
    bundle = replace(EVERYTHING, worn=SOON)
    whole = assert_chunking_changes_nothing(
        lambda: Pipeline(bundle, with_unknown), taken_off(gap_s=gap_s, at_s=at_s), cuts
    )
    assert whole.counts["not_worn"] > 0


@pytest.mark.parametrize("gap_at_s", [10.0, 30.0, 45.5])
def test_a_live_silence_gives_the_offline_decisions(gap_at_s: float) -> None:
    samples = taken_off(gap_s=8.0, at_s=gap_at_s)
    live = pipeline()
    batching, decisions = Batching(live, live.model.spec), []
    gap = int(np.searchsorted(samples.t_s, gap_at_s))
    for part in (samples[:gap], samples[gap:]):
        for first in range(0, len(part), 10):
            decisions += batching.push(part[first : first + 10])
        decisions += batching.push(samples[:0]) + live.silence(6.0)
    whole = pipeline()
    offline = whole.push(samples) + whole.silence(6.0)  # silence after the end too
    assert decisions[-1].state == "no_data"
    assert [to_json(d) for d in decisions] == [to_json(d) for d in offline]
    assert live.counts["not_worn"] > 0


def test_a_gap_does_not_end_not_worn() -> None:
    decisions = pipeline().push(taken_off(gap_s=3600.0, at_s=45.0))
    assert states(decisions)[3:] == ["not_worn", "no_data", "warming_up", "not_worn", "ok"]
    reasons = {decision.state: decision.reason for decision in decisions}
    assert (reasons["no_data"], reasons["warming_up"]) == ("silence", "gap")


def test_a_gap_is_not_stillness() -> None:
    samples = taken_off(off_s=8.0, gap_s=3600.0, at_s=25.0)
    assert "not_worn" not in {d.state for d in pipeline().push(samples)}


def test_the_belief_is_reset_while_the_sensor_is_not_worn() -> None:
    bundle = replace(EVERYTHING, orientation=None, worn=SOON)
    decisions = Pipeline(bundle, constant).push(taken_off())
    runs = [
        [d.confidence for d in run]
        for worn, run in groupby(decisions[1:], key=lambda d: d.state != "not_worn")
        if worn
    ]  # smoothing continues while wear is doubtful
    assert len(runs) == 2
    assert runs[1][:5] == runs[0][:5]
    assert runs[0][0] != runs[0][-1]


def test_after_a_long_time_off_the_mounting_is_less_certain() -> None:
    assert EVERYTHING.orientation is not None
    mounting = replace(EVERYTHING.orientation, break_after_s=30.0)
    shares = {}
    for off_s in (15.0, 60.0):
        worn = Pipeline(replace(EVERYTHING, orientation=mounting, worn=SOON), with_unknown)
        assert worn.orientation is not None
        samples, back = taken_off(off_s), round(50 * (20 + off_s))
        worn.push(samples[:back])
        before = worn.orientation.frame.windows
        assert before > 5
        worn.push(samples[back : back + 350])
        shares[off_s] = worn.orientation.frame.windows / before
    assert shares[15.0] >= 1
    assert shares[60.0] < 0.5
