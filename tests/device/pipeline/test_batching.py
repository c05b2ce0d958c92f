import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from device.decision.decision import Decision
from device.pipeline.batching import MOST, Batching
from device.pipeline.pipeline import Pipeline
from firmware_bridge.samples import Samples
from tests.device.pipeline.models import StandIn, by_liveliness
from tests.device.signal.streams import SPEC


def blocks(jumps: dict[int, float], lost: dict[int, int]) -> list[Samples]:
    """1000 random samples in blocks of 10, with jumps of the clock and losses."""
    steps_s = np.full(1000, 0.02)
    for at, jump_s in jumps.items():
        steps_s[at % 1000] += jump_s
    t_s = 50 + np.cumsum(steps_s)
    acc, gyro = np.random.default_rng(0).standard_normal((2, 1000, 3))
    lost = {at % 100: count for at, count in lost.items()}
    return [
        Samples(t_s[10 * n :][:10], acc[10 * n :][:10], gyro[10 * n :][:10], lost.get(n, 0))
        for n in range(100)
    ]


@settings(deadline=None, max_examples=12)
@given(
    jumps=st.dictionaries(st.integers(0, 10_000), st.floats(-1, 6), max_size=4),
    lost=st.dictionaries(st.integers(0, 1000), st.integers(1, 50), max_size=4),
    idle=st.sets(st.integers(0, 100)),
)
def test_no_decision_changes_or_comes_later(
    jumps: dict[int, float], lost: dict[int, int], idle: set[int]
) -> None:
    direct, pipeline = (Pipeline(StandIn(), by_liveliness) for _ in range(2))
    batching = Batching(pipeline, SPEC)
    decisions: list[Decision] = []
    expected: list[Decision] = []
    nothing = Samples.empty()
    for number, block in enumerate(blocks(jumps, lost)):
        silence = Samples(nothing.t_s, nothing.acc_g, nothing.gyro_rad_s, number % 3)
        for part in (block, silence) if number in idle else (block,):
            expected += direct.push(part)
            decisions += batching.push(part)
        assert decisions == expected
    batching.flush()
    assert pipeline.counts == direct.counts


def test_a_clock_that_stands_still_fills_no_memory() -> None:
    pipeline = Pipeline(StandIn(), by_liveliness)
    batching = Batching(pipeline, SPEC)
    normal = blocks({}, {})
    for block in [*normal, *[normal[-1][-1:]] * MOST]:
        batching.push(block)
    assert pipeline.counts["repeated"] > 0
