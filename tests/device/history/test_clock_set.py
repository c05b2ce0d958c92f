"""Clocks that are wrong, set right, set wrong, or never set: the dates of a day."""

import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.history import query
from device.history.zone import to_ms
from tests.device.history.made_up import LATER_MS, Host, Wearer, at, day_of, live, seconds, span

NOON = at("2026-11-21T12:00:00+01:00")
DAY_S = 86400.0


@pytest.mark.parametrize("wrong_by_s", [-3 * DAY_S, -3600.0, 3600.0, 20 * DAY_S, -56 * 365 * DAY_S])
def test_what_came_before_the_clock_was_set_is_shown_where_it_belongs(
    path: Path, wrong_by_s: float
) -> None:
    host = Host("boot-1", 12.0, NOON + wrong_by_s)
    wearer = Wearer(host, path)
    wearer.begin()
    wearer.spend("lying", 600)
    host.set_clock(host.utc_s - wrong_by_s)
    wearer.spend("walking", 300)
    wearer.sink.close()
    day = day_of(path, "2026-11-21")
    assert seconds(day, "lying") == pytest.approx(600, abs=3)
    assert seconds(day, "walking") == pytest.approx(300, abs=3)
    assert span(day, "lying")[0] == pytest.approx(NOON + 5, abs=1)
    assert span(day, "walking")[1] == pytest.approx(NOON + 905, abs=3)
    assert span(day, "lying")[1] == span(day, "walking")[0]
    (step,) = day.steps
    assert step.by_s == pytest.approx(-wrong_by_s, abs=0.01)
    assert step.utc_ms / 1000 == pytest.approx(NOON + 606, abs=3)
    assert day.misdated == 0
    with closing(sqlite3.connect(path)) as database:  # stored dates do not change
        (first,) = database.execute("SELECT min(time) FROM decisions WHERE activity = 'lying'")
    stored_s = datetime.fromisoformat(first[0]).timestamp()
    assert stored_s == pytest.approx(NOON + wrong_by_s + 6, abs=1)


def test_a_daemon_that_ended_before_the_clock_was_set_is_put_right_by_the_next(path: Path) -> None:
    host = Host("boot-1", 12.0, NOON - 40 * DAY_S)
    live(host, path, ("sitting", 5), killed=True)
    host.pass_time(100)
    host.set_clock(NOON + 400)
    live(host, path, ("walking", 5))
    day = day_of(path, "2026-11-21")
    assert span(day, "sitting")[0] == pytest.approx(NOON, abs=4)
    assert seconds(day, "sitting") == pytest.approx(300, abs=3)
    assert span(day, "walking")[0] == pytest.approx(NOON + 400, abs=4)


def test_another_boots_clock_tells_nothing_of_this_one(path: Path) -> None:
    for boot, utc_s in (("boot-1", NOON), ("boot-2", 20.0), ("boot-3", NOON + 7200)):
        what = "sitting" if boot == "boot-2" else "walking"
        live(Host(boot, 15.0, utc_s), path, (what, 5), killed=True)
    day = day_of(path, "2026-11-21")
    assert seconds(day, "walking") == pytest.approx(600, abs=6)
    assert seconds(day, "sitting") == 0  # its date is unknown
    assert seconds(day_of(path, "1970-01-01"), "sitting") == pytest.approx(300, abs=3)


def test_a_boot_with_the_time_that_was_saved_does_not_count_twice(path: Path) -> None:
    live(Host("boot-1", 15.0, NOON), path, ("walking", 30), killed=True)
    host = Host("boot-2", 15.0, NOON + 900)  # saved half way through
    wearer = Wearer(host, path)
    wearer.spend("sitting", 600)
    before = day_of(path, "2026-11-21")
    assert seconds(before, "walking") == pytest.approx(1800, abs=3)
    assert seconds(before, "sitting") == 0
    assert before.misdated == pytest.approx(600 / 1.28, abs=3)
    host.set_clock(NOON + 7200)  # by NTP
    wearer.spend("sitting", 10)
    wearer.sink.close()
    after = day_of(path, "2026-11-21")
    assert after.misdated == 0
    assert seconds(after, "sitting") == pytest.approx(610, abs=3)
    assert span(after, "sitting")[1] == pytest.approx(NOON + 7210, abs=3)


def test_without_a_name_of_the_boot_each_run_is_put_right_by_itself(path: Path) -> None:
    host = Host(None, 12.0, NOON - DAY_S)
    live(host, path, ("sitting", 1), killed=True)
    second = Wearer(host, path)
    second.spend("lying", 60)
    host.set_clock(host.utc_s + DAY_S)
    second.spend("lying", 60)
    second.sink.close()
    assert seconds(day_of(path, "2026-11-20"), "sitting") == pytest.approx(60, abs=3)
    assert seconds(day_of(path, "2026-11-21"), "lying") == pytest.approx(120, abs=3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["spend", "set", "restart", "silent"]), st.floats(-5e6, 5e6)
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_whatever_the_clock_does_in_one_boot_the_last_setting_dates_it_all(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("h") / "d.db"
    host = Host("boot", 50.0, NOON)
    wearer = Wearer(host, path)
    wearer.spend("walking", 20)
    for what, by_s in story:
        if what == "set":
            host.set_clock(host.utc_s + by_s)
        elif what == "restart":
            wearer.kill()
            wearer = Wearer(host, path)
        elif what == "silent":
            wearer.fall_silent(30)
            wearer.begin()
        wearer.spend("walking", 20)
    host.set_clock(NOON + host.boot_s - 50.0)
    wearer.spend("walking", 20)
    wearer.kill()
    day = day_of(path, "2026-11-21")
    assert day.misdated == 0
    walked_s = 20 * (len(story) + 2)
    assert seconds(day, "walking") == pytest.approx(walked_s, abs=4 * (len(story) + 1))
    begin_s, end_s = span(day, "walking")
    assert begin_s >= NOON - 4
    assert end_s == pytest.approx(host.utc_s, abs=1)


def test_the_query_in_the_documentation_gives_the_same_dates(path: Path) -> None:
    host = Host("boot-1", 12.0, 12.0)
    wearer = Wearer(host, path)
    wearer.spend("walking", 2000)
    host.set_clock(NOON)
    wearer.spend("walking", 20)
    wearer.sink.close()
    text = (Path(__file__).parents[3] / "docs/HISTORY.md").read_text()
    (sql,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with closing(query.open_to_read(path)) as database:
        by_hand = [row[0] for row in database.execute(sql)]
        ours = [utc_ms for utc_ms, _ in query.read(database, 0, LATER_MS)]
    moments = [to_ms(datetime.fromisoformat(time)) for time in by_hand]
    assert len(ours) > 1500
    assert max(abs(one - two) for one, two in zip(sorted(moments), ours, strict=True)) <= 1
