import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.decision.hmm_filter import HmmFilter, HmmSpec, tempered

STATES = 3


def smoothing(stay: float = 0.9, weight: float = 0.6, change: float = 0.0) -> HmmSpec:
    leave = (1 - stay) / (STATES - 1)
    rows = tuple(tuple(stay if i == j else leave for j in range(STATES)) for i in range(STATES))
    return HmmSpec(rows, (1 / STATES,) * STATES, weight, change)


def belief(spec: HmmSpec, rows: list[list[float]]) -> list[float]:
    running = HmmFilter(spec)
    return [running.step(row) for row in rows][-1]


def by_paths(spec: HmmSpec, rows: list[list[float]]) -> list[float]:
    """Return the probability of each last state, as the sum over all paths."""
    total = [0.0] * STATES
    for path in itertools.product(range(STATES), repeat=len(rows) + 1):
        chance = spec.prior[path[0]]
        earlier = list(spec.prior)
        for row, before, state in zip(rows, path, path[1:], strict=False):
            chance *= spec.transition[before][state]
            chance *= (row[state] / spec.prior[state]) ** spec.weight
            chance *= (row[state] / earlier[state]) ** spec.change
            earlier = row
        total[path[-1]] += chance
    return [value / sum(total) for value in total]


probabilities = st.lists(st.floats(0, 1), min_size=STATES, max_size=STATES).filter(any).map(
    lambda row: [value / sum(row) for value in row]
)  # fmt: skip


@given(
    rows=st.lists(st.permutations([0.7, 0.2, 0.1]), min_size=1, max_size=5), change=st.floats(0, 1)
)
def test_the_belief_is_the_sum_over_all_paths(rows: list[list[float]], change: float) -> None:
    rates = ((0.8, 0.15, 0.05), (0.1, 0.9, 0.0), (0.3, 0.0, 0.7))
    spec = HmmSpec(rates, (0.5, 0.3, 0.2), 0.6, change)
    assert belief(spec, rows) == pytest.approx(by_paths(spec, rows))


@given(rows=st.lists(probabilities, min_size=1, max_size=50))
def test_the_belief_is_a_distribution_for_any_output(rows: list[list[float]]) -> None:
    running = HmmFilter(smoothing(change=0.5))
    for row in rows:
        after = running.step(row)
        assert sum(after) == pytest.approx(1)
        assert min(after) > 0


def test_one_odd_window_changes_nothing_and_several_do() -> None:
    before, after = [0.9, 0.06, 0.04], [0.06, 0.9, 0.04]
    odd = belief(smoothing(stay=0.98), [before] * 10 + [after])
    assert odd[0] > 0.5
    changed = belief(smoothing(stay=0.98), [before] * 10 + [after] * 5)
    assert changed[1] > 0.9


def test_a_change_weighs_more_than_a_repetition() -> None:
    """With the same belief in a lasting state, it follows a change sooner, and undoes one error."""
    before, after = [0.9, 0.06, 0.04], [0.06, 0.9, 0.04]
    alike, novel = smoothing(0.98, 0.3), smoothing(0.98, 0.3, 0.4)

    def windows_until(spec: HmmSpec) -> int:
        beliefs = (belief(spec, [before] * 10 + [after] * n)[1] for n in range(1, 20))
        return next(n for n, after in enumerate(beliefs, 1) if after > 0.5)

    assert windows_until(novel) < windows_until(alike)
    lasting = belief(novel, [before] * 12)
    assert lasting == pytest.approx(belief(alike, [before] * 12), abs=0.01)
    assert belief(novel, [before] * 10 + [after] + [before])[0] > 0.9 * lasting[0]


def test_a_probability_of_0_does_not_exclude_a_state_for_ever() -> None:
    mistaken = [[1.0, 0.0, 0.0]] * 100
    assert belief(smoothing(), [*mistaken, *([[0.0, 1.0, 0.0]] * 3)])[1] > 0.9


def test_a_reset_forgets_all() -> None:
    running, fresh = HmmFilter(smoothing(change=0.5)), HmmFilter(smoothing(change=0.5))
    running.step([0.0, 0.0, 1.0])
    running.reset()
    assert running.step([0.5, 0.3, 0.2]) == fresh.step([0.5, 0.3, 0.2])


@given(row=probabilities, temperature=st.floats(0.1, 10))
def test_a_temperature_changes_the_confidence_and_not_the_class(
    row: list[float], temperature: float
) -> None:
    after = tempered(row, temperature)
    assert sum(after) == pytest.approx(1)
    assert after[row.index(max(row))] == max(after)
    if temperature > 1:
        assert max(after) <= max(row) + 0.01


def test_temperature_1_leaves_every_bit() -> None:
    row = [0.30000001, 0.7, math.ulp(0.0)]
    assert tempered(row, 1) is row
