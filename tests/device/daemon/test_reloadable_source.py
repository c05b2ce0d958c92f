"""A new pipeline after a reload goes on where the earlier one stopped."""

from collections.abc import Generator, Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from device.daemon.reloadable_source import DecidedUntil, ReloadableSource
from device.decision.decision import Decision
from device.pipeline.pipeline import Pipeline
from firmware_bridge.samples import Samples
from tests.device.daemon.stand_ins import FakeSource
from tests.device.pipeline.test_pipeline import pipeline
from tests.device.signal.streams import SPEC, moments, walk

BLOCK_SAMPLES, BLOCKS = 25, 38  # 19 s: the source keeps all of them
SILENT_S = 6.0


def recorded(before: int, gap_s: float) -> list[Samples]:
    t_s = moments(BLOCK_SAMPLES * BLOCKS, 50)
    t_s[before * BLOCK_SAMPLES :] += gap_s
    return cut(walk(t_s), BLOCK_SAMPLES)


def cut(samples: Samples, length: int) -> list[Samples]:
    return [samples[i : i + length] for i in range(0, len(samples), length)]


class Daemon:
    """Pipelines that take turns at one source."""

    def __init__(self, blocks: list[Samples]) -> None:
        self.source = ReloadableSource(FakeSource(blocks))
        self.decided = DecidedUntil()
        self.pipeline: Pipeline = pipeline()
        self.decisions: list[Decision] = []
        self.blocks: Iterator[Samples] = self.source.blocks()

    def write(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            self.decided.write(decision)
        self.decisions += decisions

    def push(self, blocks: int) -> None:
        for _, block in zip(range(blocks), self.blocks, strict=False):
            self.write(self.pipeline.push(block))

    def silence(self) -> None:
        self.write(self.pipeline.silence(SILENT_S))

    def reload(self) -> None:
        assert isinstance(self.blocks, Generator)
        self.blocks.close()
        self.pipeline = pipeline()
        self.source.prime(self.pipeline, self.decided)
        self.blocks = self.source.blocks()


@given(before=st.integers(0, BLOCKS), late=st.integers(0, 4), gap_s=st.sampled_from([0.0, 8.0]))
@example(before=0, late=0, gap_s=0.0)
@example(before=12, late=1, gap_s=0.0)
def test_a_reload_in_a_silence_changes_no_decision(before: int, late: int, gap_s: float) -> None:
    """Reload `late` blocks after a silence was reported; the samples come late or after a gap."""
    found = []
    for reloads in (False, True):
        daemon = Daemon(recorded(before, gap_s))
        daemon.push(before)
        daemon.silence()
        daemon.push(late)
        if reloads:
            daemon.reload()
        daemon.silence()
        daemon.push(BLOCKS)
        found.append(daemon.decisions)
    assert found[0] == found[1]
    assert [one.state for one in found[1]].count("no_data") == 1 + (late > 0 and before < BLOCKS)


@given(length=st.integers(17, 64), late=st.integers(0, 4))
def test_windows_of_another_grid_follow_in_order_of_time(length: int, late: int) -> None:
    """After 20 s the source forgets: windows of the new pipeline begin at other times."""
    blocks = cut(walk(moments(1800, 50)), length)
    daemon, before = Daemon(blocks), len(blocks) * 3 // 4
    daemon.push(before)
    daemon.silence()
    daemon.push(late)
    daemon.reload()
    daemon.push(len(blocks))
    ends_s = [one.end_s for one in daemon.decisions if one.state == "ok" and one.end_s is not None]
    hop_s = SPEC.hop / SPEC.rate_hz
    assert min(np.diff(ends_s)) > 0
    assert max(np.diff(ends_s)) <= (1 if late else 2) * hop_s + 1e-6
    if not late:
        silent = [one.state for one in daemon.decisions].index("no_data")
        last_s = blocks[before - 1].t_s[-1]
        assert all(one.end_s > last_s for one in daemon.decisions[silent + 1 :] if one.end_s)


@pytest.mark.parametrize("before", [0, 1, 20, BLOCKS])
def test_a_reload_between_samples_changes_no_decision(before: int) -> None:
    daemon = Daemon(recorded(before, 0.0))
    daemon.push(before)
    daemon.reload()
    daemon.push(BLOCKS)
    assert daemon.decisions == pipeline().push(walk(moments(BLOCK_SAMPLES * BLOCKS, 50)))
