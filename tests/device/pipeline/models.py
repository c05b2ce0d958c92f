"""Stand-ins for bundles and classifiers, and the check that chunking changes no decision."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from device.decision.decision import Decision, to_json
from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.mounting.spec import MountingSpec
from device.pipeline.pipeline import Pipeline
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64, Samples
from tests.device.signal.streams import SPEC, chunks


@dataclass(frozen=True)
class StandIn:
    """The part of a bundle that the pipeline reads."""

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
"""A bundle with all parts but non-wear."""


def by_liveliness(x: NDArray[np.float32]) -> Float64:
    """Return the second class's probability from the largest body acceleration of each window."""
    lively = [min(1.0, float(np.abs(window[:, 6:]).max())) for window in x]
    return np.array([[1 - p, p] for p in lively])


def with_unknown(x: NDArray[np.float32]) -> Float64:
    """As by_liveliness, from one axis; turning about that axis is none of the classes."""
    rows = []
    for window in x:
        lively = min(1.0, float(np.abs(window[:, 6]).max()))
        turning = min(1.0, float(np.abs(window[:, 3]).mean()))
        rows.append([(1 - lively) / (1 + turning), lively / (1 + turning), turning / (1 + turning)])
    return np.array(rows)


def constant(x: NDArray[np.float32]) -> Float64:
    """Return the same probabilities for every window, so that only the past changes a decision."""
    return np.tile([0.2, 0.7, 0.1], (len(x), 1))


def states(decisions: Iterable[Decision]) -> list[str]:
    """Return the states in turn, without repeats."""
    return [state for state, _ in groupby(decision.state for decision in decisions)]


def assert_chunking_changes_nothing(
    make: Callable[[], Pipeline], samples: Samples, cuts: Sequence[int]
) -> Pipeline:
    """Return the pipeline that took all samples in one block."""
    parts, whole = make(), make()
    decisions = [d for block in chunks(samples, cuts) for d in parts.push(block)]
    expected = whole.push(samples)
    assert decisions == expected
    assert [to_json(d) for d in decisions] == [to_json(d) for d in expected]
    assert parts.counts == whole.counts
    if whole.orientation is not None:
        assert parts.orientation is not None
        assert parts.orientation.to_state() == whole.orientation.to_state()
    return whole
