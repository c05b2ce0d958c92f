from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from device.history.bouts import FLICKER_MS, MINUTE_MS, bouts
from device.history.day import OFF, DatedDecision, Piece, pieces, totals

HOP_S = 1.28
DAY_MS = 86_400_000


def windows(
    what: str, count: int, run: int = 1, number: int = 1, end_ms: int = 0
) -> list[DatedDecision]:
    """Return windows of 2.56 s that overlap by half; the first one ends at end_ms."""
    state = "ok" if what in {"walking", "sitting"} else "unknown"
    return [
        DatedDecision(
            run, number + n, 50 + (n - 2) * HOP_S, 50 + n * HOP_S, end_ms + round(1280 * n), state,
            what,
        )
        for n in range(count)
    ]  # fmt: skip


def test_windows_overlap_but_no_second_counts_twice() -> None:
    found, misdated = pieces(windows("walking", 101, end_ms=1_000_000), {}, 0, DAY_MS)
    walked_ms = 2560 + 100 * 1280
    assert found == [
        Piece(0, 997_440, OFF, None),
        Piece(997_440, 997_440 + walked_ms, "ok", "walking"),
        Piece(997_440 + walked_ms, DAY_MS, OFF, None),
    ]
    assert misdated == 0


def test_a_silent_sensor_is_no_data_for_as_long_as_the_daemon_was_there() -> None:
    said = windows("sitting", 10, end_ms=100_000)
    end_s, end_ms = said[-1].end_s, said[-1].end_ms
    assert end_s is not None
    said.append(DatedDecision(1, 11, end_s, end_s + 2.0, end_ms + 2000, "no_data", None))
    for at_work_ms, no_data_ms in ((end_ms + 3_600_000, 3_600_000), (0, 2000), (DAY_MS * 2, None)):
        found, _ = pieces(said, {1: at_work_ms}, 0, DAY_MS)
        sums = totals(found)
        assert sums["ok", "sitting"] == 2560 + 9 * 1280
        assert sums["no_data", None] == (DAY_MS - end_ms if no_data_ms is None else no_data_ms)
    # The next stretch ends the silence, independent of at_work_ms.
    warm = DatedDecision(1, 12, end_s + 600, end_s + 605.12, end_ms + 605_120, "warming_up", None)
    sums = totals(pieces([*said, warm], {1: 0}, 0, DAY_MS)[0])
    assert sums["no_data", None] == 600_000
    assert sums["warming_up", None] == 5120


def test_a_warm_up_that_was_cut_off_lasts_until_then() -> None:
    said = [
        DatedDecision(1, 1, 0.0, 5.12, 1_005_120, "warming_up", None),
        DatedDecision(1, 2, 1.0, 3.0, 1_003_000, "no_data", None),
        DatedDecision(1, 3, 10.0, 15.12, 1_015_120, "warming_up", None),
        DatedDecision(1, 4, 12.56, 15.12, 1_015_120, "ok", "walking"),
        DatedDecision(1, 5, 13.84, 16.4, 1_016_400, "ok", "walking"),
    ]
    sums = totals(pieces(said, {}, 1_000_000, 1_016_400)[0])
    assert sums == {
        ("warming_up", None): 1000 + 5120, ("no_data", None): 9000, ("ok", "walking"): 1280,
    }  # fmt: skip


def test_what_was_not_kept_is_a_gap_and_no_activity() -> None:
    said = windows("walking", 100, end_ms=1_000_000)
    del said[40:60]
    sums = totals(pieces(said, {}, 997_440, said[-1].end_ms)[0])
    # The whole window after the hole counts.
    assert sums == {("ok", "walking"): 2560 + 80 * 1280, (OFF, None): 19 * 1280}


def test_a_date_that_slips_while_the_clocks_are_fitted_makes_no_gap() -> None:
    said = windows("walking", 100, end_ms=1_000_000)
    said[50:] = [replace(one, end_ms=one.end_ms + 3000) for one in said[50:]]
    sums = totals(pieces(said, {}, 997_440, said[-1].end_ms)[0])
    assert sums == {("ok", "walking"): 2560 + 99 * 1280 + 3000}


def test_a_day_without_anything_is_off_and_one_that_has_not_begun_is_nothing() -> None:
    assert pieces([], {}, 5, 10) == ([Piece(5, 10, OFF, None)], 0)
    assert pieces([], {}, 5, 5) == ([], 0)


def test_a_clock_that_nobody_set_right_does_not_make_a_day_longer() -> None:
    first = windows("walking", 1000, run=1, end_ms=10_000_000)
    again = windows("sitting", 500, run=2, end_ms=10_200_000)  # a boot with the last saved time
    later = windows("sitting", 500, run=3, end_ms=20_000_000)
    found, misdated = pieces([*first, *again, *later], {}, 0, DAY_MS)
    sums = totals(found)
    assert misdated == 500
    assert sums["ok", "walking"] == 2560 + 999 * 1280
    assert sums["ok", "sitting"] == 2560 + 499 * 1280
    assert sum(sums.values()) == DAY_MS


kinds = st.sampled_from(["walking", "sitting", "unsure", "mounting", "silence", "hole", "restart"])


@given(
    st.lists(st.tuples(kinds, st.integers(1, 40)), max_size=20),
    st.integers(-40_000, 40_000),
    st.integers(0, 90_000),
    st.randoms(use_true_random=False),
)
def test_a_day_adds_up_and_never_counts_what_was_not_said(
    plan: list[tuple[str, int]], start_ms: int, length_ms: int, jitter: Random
) -> None:
    said: list[DatedDecision] = []
    run, number, sensor_s, at_ms, said_ms = 1, 1, 10.0, 0, 0
    for what, count in plan:
        if what == "hole":
            number += count
        elif what == "restart":
            run, number = run + 1, 1
        if what in {"hole", "restart", "silence"}:
            sensor_s += 2 * count
            at_ms += 2000 * count
            continue
        for _ in range(count):
            sensor_s, at_ms, said_ms = sensor_s + HOP_S, at_ms + 1280, said_ms + 1280
            state = "ok" if what in {"walking", "sitting"} else "unknown"
            end_ms = at_ms + jitter.choice((-3, 0, 3))
            said.append(DatedDecision(run, number, sensor_s - 2.56, sensor_s, end_ms, state, what))
            number += 1
    found, misdated = pieces(said, {}, start_ms, start_ms + length_ms)
    assert sum(piece.ms for piece in found) == length_ms
    assert all(piece.ms > 0 for piece in found)
    assert all(one.end_ms == two.start_ms for one, two in pairwise(found))
    assert all(one.kind != two.kind for one, two in pairwise(found))
    assert misdated == 0
    known_ms = sum(piece.ms for piece in found if piece.state in {"ok", "unknown"})
    stretches = 1 + sum(what in {"silence", "hole", "restart"} for what, _ in plan)
    assert known_ms <= said_ms + stretches * 1290  # the first window of each is longer than a hop
    spoken = {what for what, _ in plan}
    assert {piece.what for piece in found} <= spoken | {None}


def piece_list(*parts: tuple[str, int]) -> list[Piece]:
    found, at = [], 0
    for what, seconds in parts:
        found.append(Piece(at, at + 1000 * seconds, "ok", what))
        at += 1000 * seconds
    return found


def test_a_bout_goes_on_over_a_flicker_but_does_not_own_it() -> None:
    found = piece_list(("walking", 300), ("stairs", 4), ("walking", 200), ("sitting", 600))
    walk, sit = bouts(found, MINUTE_MS)
    assert (walk.what, walk.ms, walk.own_ms) == ("walking", 504_000, 500_000)
    assert (sit.what, sit.ms, sit.own_ms) == ("sitting", 600_000, 600_000)


def test_what_flickers_all_the_time_is_a_bout_of_nothing() -> None:
    assert bouts(piece_list(*[("walking", 5), ("standing", 5)] * 100), MINUTE_MS) == []


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 120)), max_size=60),
    st.sampled_from([FLICKER_MS, MINUTE_MS]),
)
def test_bouts_are_in_order_apart_and_own_no_more_than_there_was(
    parts: list[tuple[str, int]], least_ms: int
) -> None:
    joined: list[tuple[str, int]] = []
    for what, seconds in parts:
        if joined and joined[-1][0] == what:
            joined[-1] = what, joined[-1][1] + seconds
        else:
            joined.append((what, seconds))
    found = piece_list(*joined)
    made = bouts(found, least_ms)
    sums = totals(found)
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(made))
    assert all(least_ms <= bout.ms and 0 < bout.own_ms <= bout.ms for bout in made)
    for what in "abc":
        own_ms = sum(bout.own_ms for bout in made if bout.what == what)
        assert own_ms <= sums.get(("ok", what), 0)
    lasting = [piece for piece in found if piece.ms >= least_ms]
    for piece in lasting:
        assert any(
            bout.start_ms <= piece.start_ms and piece.end_ms <= bout.end_ms
            for bout in made
            if bout.what == piece.what
        )


def test_a_day_is_the_same_whenever_it_is() -> None:
    shift_ms = 123_456_789
    said = [*windows("walking", 50, end_ms=5000), *windows("unsure", 20, 1, 51, 5000 + 50 * 1280)]
    moved = [replace(one, end_ms=one.end_ms + shift_ms) for one in said]
    found, _ = pieces(moved, {}, shift_ms, shift_ms + 100_000)
    assert totals(found) == totals(pieces(said, {}, 0, 100_000)[0])
