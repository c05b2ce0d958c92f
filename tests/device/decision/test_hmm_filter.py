import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.decision.hmm_filter import HmmFilter, HmmSpec, tempered
from firmware_bridge.errors import InputError

STATES = 3


def smoothing(stay: float = 0.9, weight: float = 0.6, change: float = 0.0) -> HmmSpec:
    leave = (1 - stay) / (STATES - 1)
    rows = tuple(tuple(stay if i == j else leave for j in range(STATES)) for i in range(STATES))
    return HmmSpec(rows, (1 / STATES,) * STATES, weight, change)


def belief(spec: HmmSpec, rows: list[list[float]]) -> list[float]:
    running = HmmFilter(spec)
    return [running.step(row) for row in rows][-1]


def by_paths(spec: HmmSpec, rows: list[list[float]]) -> list[float]:
    """Return the probability of each last state, by adding up every path there is."""
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
    rows=st.lists(st.permutations([0.7, 0.2, 0.1]), min_size=1, max_size=5),
    change=st.floats(0, 1),
)
def test_it_is_the_sum_over_all_paths(rows: list[list[float]], change: float) -> None:
    rates = ((0.8, 0.15, 0.05), (0.1, 0.9, 0.0), (0.3, 0.0, 0.7))
    spec = HmmSpec(rates, (0.5, 0.3, 0.2), 0.6, change)
    assert belief(spec, rows) == pytest.approx(by_paths(spec, rows))


@given(rows=st.lists(probabilities, min_size=1, max_size=50))
def test_whatever_the_model_says_it_stays_a_distribution(rows: list[list[float]]) -> None:
    running = HmmFilter(smoothing(change=0.5))
    for row in rows:
        found = running.step(row)
        assert sum(found) == pytest.approx(1)
        assert min(found) > 0


@given(row=st.permutations([0.7, 0.2, 0.1]))
def test_where_the_past_says_nothing_the_window_decides(row: list[float]) -> None:
    forgetful = smoothing(stay=1 / STATES, weight=1.0)
    assert belief(forgetful, [[0.1, 0.1, 0.8]] * 5 + [row]) == pytest.approx(row)


def test_one_odd_window_changes_nothing_and_a_real_change_comes_through() -> None:
    before, after = [0.9, 0.06, 0.04], [0.06, 0.9, 0.04]
    odd = belief(smoothing(stay=0.98), [before] * 10 + [after])
    assert odd[0] > 0.5
    changed = belief(smoothing(stay=0.98), [before] * 10 + [after] * 5)
    assert changed[1] > 0.9


def test_what_changes_weighs_more_than_what_is_repeated() -> None:
    """As sure of what has lasted, it follows what is new sooner, and comes back from a slip."""
    before, after = [0.9, 0.06, 0.04], [0.06, 0.9, 0.04]
    alike, novel = smoothing(0.98, 0.3), smoothing(0.98, 0.3, 0.4)

    def windows_until(spec: HmmSpec) -> int:
        beliefs = (belief(spec, [before] * 10 + [after] * n)[1] for n in range(1, 20))
        return next(n for n, found in enumerate(beliefs, 1) if found > 0.5)

    assert windows_until(novel) < windows_until(alike)
    lasting = belief(novel, [before] * 12)
    assert lasting == pytest.approx(belief(alike, [before] * 12), abs=0.01)
    assert belief(novel, [before] * 10 + [after] + [before])[0] > 0.9 * lasting[0]


def test_of_windows_all_alike_the_change_says_nothing_after_the_first() -> None:
    row = [0.7, 0.2, 0.1]
    with_it, without = HmmFilter(smoothing(change=0.5)), HmmFilter(smoothing())
    for _ in range(200):
        found = with_it.step(row), without.step(row)
    assert found[0] == pytest.approx(found[1])


def test_a_sure_window_does_not_rule_a_state_out_for_ever() -> None:
    mistaken = [[1.0, 0.0, 0.0]] * 100
    assert belief(smoothing(), [*mistaken, *([[0.0, 1.0, 0.0]] * 3)])[1] > 0.9


def test_after_a_reset_nothing_is_left() -> None:
    running, fresh = HmmFilter(smoothing(change=0.5)), HmmFilter(smoothing(change=0.5))
    running.step([0.0, 0.0, 1.0])
    running.reset()
    assert running.step([0.5, 0.3, 0.2]) == fresh.step([0.5, 0.3, 0.2])


def test_it_survives_the_manifest() -> None:
    spec = smoothing(change=0.3)
    assert HmmSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_bundle_from_before_there_was_change_is_read_without_it() -> None:
    old = smoothing().to_dict()
    del old["change"]
    assert HmmSpec.from_dict(old) == smoothing(change=0.0)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "median"},
        {"prior": [0.5, 0.5]},
        {"prior": [0.5, 0.5, 0.5]},
        {"prior": [1.0, 0.0, 0.0]},
        {"prior": "even"},
        {"prior": []},
        {"transition": [[1, 0, 0], [0, 1, 0]]},
        {"transition": [[1, 0, 0], [0, 1, 0], [0, 0.5, 0]]},
        {"transition": [[1, 0, 0], [0, 1, 0], [-1, 1, 1]]},
        {"transition": [[1, 0, 0], [0, 1, 0], 1]},
        {"transition": [[1, 0, 0], [0, 1, 0], ["a", 0, 1]]},
        {"weight": 0},
        {"weight": 1.01},
        {"weight": True},
        {"change": -0.1},
        {"change": 1.01},
        {"change": "much"},
        {"lag": 2},
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="smoothing"):
        HmmSpec.from_dict({**smoothing().to_dict(), **change})


@given(row=probabilities, temperature=st.floats(0.1, 10))
def test_a_temperature_changes_how_sure_never_which(row: list[float], temperature: float) -> None:
    found = tempered(row, temperature)
    assert sum(found) == pytest.approx(1)
    assert found[row.index(max(row))] == max(found)
    if temperature > 1:
        assert max(found) <= max(row) + 0.01


def test_temperature_1_leaves_every_bit() -> None:
    row = [0.30000001, 0.7, math.ulp(0.0)]
    assert tempered(row, 1) is row
