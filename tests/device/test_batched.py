import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from device.decision.decision import Decision
from device.pipeline.batching import MOST, Batching
from device.pipeline.pipeline import Pipeline
from firmware_bridge.samples import Samples
from tests.device.daemon.stand_ins import Model, classify


def stream(jumps: dict[int, float], count: int) -> Samples:
    steps = np.full(count, 0.02)
    for at, jump_s in jumps.items():
        steps[at % count] += jump_s
    rng = np.random.default_rng(0)
    return Samples(
        50 + np.cumsum(steps), rng.standard_normal((count, 3)), rng.standard_normal((count, 3))
    )


def in_blocks(samples: Samples, lost: dict[int, int], size: int = 10) -> list[Samples]:
    blocks = [samples[at : at + size] for at in range(0, len(samples), size)]
    for at, count in lost.items():
        block = blocks[at % len(blocks)]
        blocks[at % len(blocks)] = Samples(block.t_s, block.acc_g, block.gyro_rad_s, count)
    return blocks


@settings(deadline=None, max_examples=12)
@given(
    jumps=st.dictionaries(st.integers(0, 10_000), st.floats(-1, 6), max_size=4),
    lost=st.dictionaries(st.integers(0, 1000), st.integers(1, 50), max_size=4),
    idle=st.sets(st.integers(0, 100)),
)
def test_no_decision_changes_or_comes_later(
    jumps: dict[int, float], lost: dict[int, int], idle: set[int]
) -> None:
    direct, pipeline = Pipeline(Model, classify), Pipeline(Model, classify)
    batched = Batching(pipeline, Model.spec)
    nothing = Samples.empty()
    said: list[Decision] = []
    expected: list[Decision] = []
    for number, block in enumerate(in_blocks(stream(jumps, 1000), lost)):
        expected += direct.push(block)
        said += batched.push(block)
        if number in idle:
            silence = Samples(nothing.t_s, nothing.acc_g, nothing.gyro_rad_s, number % 3)
            expected += direct.push(silence)
            said += batched.push(silence)
        assert said == expected
    batched.flush()
    assert pipeline.counts == direct.counts


def test_a_clock_that_stands_still_fills_no_memory() -> None:
    pipeline = Pipeline(Model, classify)
    batched = Batching(pipeline, Model.spec)
    for block in in_blocks(stream({}, 1000), {}):
        batched.push(block)
    still = stream({}, 1000)[-1:]
    for _ in range(MOST):
        batched.push(still)
    assert pipeline.counts["repeated"] > 0
