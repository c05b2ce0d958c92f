"""Clocks that are wrong, set right, set wrong, or never known: what a day then is."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.history import query, read_day
from device.history.day import OFF, Piece, totals
from device.history.read_day import Day
from device.history.zone import to_ms
from firmware_bridge.errors import InputError
from tests.device.history import old
from tests.device.history.made_up import Host, Wearer, at

BERLIN = ZoneInfo("Europe/Berlin")
NOON = at("2026-11-21T12:00:00+01:00")
DAY_S = 86400.0
LATER_MS = 4_000_000_000_000


def day_of(path: Path, day: str, now_ms: int = LATER_MS) -> Day:
    with closing(query.open_to_read(path)) as database:
        return read_day.read(database, date.fromisoformat(day), BERLIN, now_ms)


def seconds(day: Day, what: str) -> float:
    return sum(piece.ms for piece in day.pieces if piece.what == what) / 1000


def span(day: Day, what: str) -> tuple[float, float]:
    found = [piece for piece in day.pieces if piece.what == what]
    return found[0].start_ms / 1000, found[-1].end_ms / 1000


@pytest.mark.parametrize("wrong_by_s", [-3 * DAY_S, -3600.0, 3600.0, 20 * DAY_S, -56 * 365 * DAY_S])
def test_what_came_before_the_clock_was_set_is_shown_where_it_belongs(
    tmp_path: Path, wrong_by_s: float
) -> None:
    host = Host("boot-1", 12.0, NOON + wrong_by_s)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.begin()
    wearer.spend("lying", 600)
    host.set_clock(host.utc_s - wrong_by_s)
    wearer.spend("walking", 300)
    wearer.sink.close()
    day = day_of(tmp_path / "d.db", "2026-11-21")
    assert seconds(day, "lying") == pytest.approx(600, abs=3)
    assert seconds(day, "walking") == pytest.approx(300, abs=3)
    assert span(day, "lying")[0] == pytest.approx(NOON + 5, abs=1)
    assert span(day, "walking")[1] == pytest.approx(NOON + 905, abs=3)
    assert span(day, "lying")[1] == span(day, "walking")[0]
    (step,) = day.steps
    assert step.by_s == pytest.approx(-wrong_by_s, abs=0.01)
    assert step.utc_ms / 1000 == pytest.approx(NOON + 606, abs=3)
    assert day.misdated == 0
    # What was said then is kept as it was said.
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        (first,) = database.execute("SELECT min(time) FROM decisions WHERE activity = 'lying'")
    assert datetime.fromisoformat(first[0]).timestamp() == pytest.approx(
        NOON + wrong_by_s + 6, abs=1
    )


def test_a_daemon_that_ended_before_the_clock_was_set_is_put_right_by_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "d.db"
    host = Host("boot-1", 12.0, NOON - 40 * DAY_S)
    first = Wearer(host, path)
    first.spend("sitting", 300)
    first.kill()
    host.pass_time(100)
    host.set_clock(NOON + 400)
    second = Wearer(host, path)
    second.spend("walking", 300)
    second.sink.close()
    day = day_of(path, "2026-11-21")
    assert span(day, "sitting")[0] == pytest.approx(NOON, abs=4)
    assert seconds(day, "sitting") == pytest.approx(300, abs=3)
    assert span(day, "walking")[0] == pytest.approx(NOON + 400, abs=4)


def test_another_boots_clock_tells_nothing_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    for boot, utc_s in (("boot-1", NOON), ("boot-2", 20.0), ("boot-3", NOON + 7200)):
        host = Host(boot, 15.0, utc_s)
        wearer = Wearer(host, path)
        wearer.spend("sitting" if boot == "boot-2" else "walking", 300)
        wearer.kill()
    day = day_of(path, "2026-11-21")
    assert seconds(day, "walking") == pytest.approx(600, abs=6)
    assert seconds(day, "sitting") == 0  # nobody can know when
    assert seconds(day_of(path, "1970-01-01"), "sitting") == pytest.approx(300, abs=3)


def test_a_boot_with_the_time_that_was_saved_does_not_count_twice(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    host = Host("boot-1", 15.0, NOON)
    wearer = Wearer(host, path)
    wearer.spend("walking", 1800)
    wearer.kill()
    host = Host("boot-2", 15.0, NOON + 900)  # saved half way through
    wearer = Wearer(host, path)
    wearer.spend("sitting", 600)
    before = day_of(path, "2026-11-21")
    assert seconds(before, "walking") == pytest.approx(1800, abs=3)
    assert seconds(before, "sitting") == 0
    assert before.misdated == pytest.approx(600 / 1.28, abs=3)
    host.set_clock(NOON + 7200)  # NTP, at last
    wearer.spend("sitting", 10)
    wearer.sink.close()
    after = day_of(path, "2026-11-21")
    assert after.misdated == 0
    assert seconds(after, "sitting") == pytest.approx(610, abs=3)
    assert span(after, "sitting")[1] == pytest.approx(NOON + 7210, abs=3)


def test_without_a_name_of_the_boot_each_run_is_put_right_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    host = Host(None, 12.0, NOON - DAY_S)
    first = Wearer(host, path)
    first.spend("sitting", 60)
    first.kill()
    second = Wearer(host, path)
    second.spend("lying", 60)
    host.set_clock(host.utc_s + DAY_S)
    second.spend("lying", 60)
    second.sink.close()
    assert seconds(day_of(path, "2026-11-20"), "sitting") == pytest.approx(60, abs=3)
    assert seconds(day_of(path, "2026-11-21"), "lying") == pytest.approx(120, abs=3)


@pytest.mark.parametrize(
    ("evening", "hours", "day"),
    [
        ("2026-03-28T23:30:00+01:00", 23, "2026-03-29"),
        ("2026-10-24T23:30:00+02:00", 25, "2026-10-25"),
    ],
)
def test_a_night_in_which_the_wall_clock_changes(
    tmp_path: Path, evening: str, hours: int, day: str
) -> None:
    host = Host("boot-1", 1000.0, at(evening))
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.spend("lying", 5 * 3600)
    wearer.sink.close()
    whole = day_of(tmp_path / "d.db", day)
    assert whole.end_ms - whole.start_ms == hours * 3_600_000
    asleep_s = 4.5 * 3600  # after midnight
    assert seconds(whole, "lying") == pytest.approx(asleep_s, abs=3)
    assert sum(totals(whole.pieces).values()) == hours * 3_600_000
    assert whole.steps == []  # for UTC knows nothing of it


def test_days_that_meet_at_midnight_share_what_happened_then(tmp_path: Path) -> None:
    midnight = at("2026-11-22T00:00:00+01:00")
    host = Host("boot-1", 1000.0, midnight - 400)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.begin()
    wearer.spend("walking", 200)
    wearer.fall_silent(500)
    wearer.kill()
    before, after = (day_of(tmp_path / "d.db", day) for day in ("2026-11-21", "2026-11-22"))
    assert before.pieces[-1].end_ms == after.pieces[0].start_ms == 1000 * midnight
    silent_ms = [totals(day.pieces)["no_data", None] for day in (before, after)]
    assert sum(silent_ms) == pytest.approx(500_000, abs=3000)
    assert after.pieces[0].state == "no_data"
    assert after.pieces[-1].state == OFF


def test_a_long_silence_is_known_of_days_later(tmp_path: Path) -> None:
    host = Host("boot-1", 1000.0, NOON)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.begin()
    wearer.spend("walking", 100)
    wearer.fall_silent(3 * DAY_S)
    wearer.kill()
    day = day_of(tmp_path / "d.db", "2026-11-23")
    assert day.pieces == [Piece(day.start_ms, day.end_ms, "no_data", None)]


def test_a_daemon_that_stops_in_a_silence_says_how_long_it_was(tmp_path: Path) -> None:
    host = Host("boot-1", 1000.0, NOON)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.begin()
    wearer.spend("walking", 100)
    wearer.fall_silent(40)
    wearer.sink.close()
    day = day_of(tmp_path / "d.db", "2026-11-21")
    assert totals(day.pieces)["no_data", None] == pytest.approx(40_000, abs=50)


def test_a_day_that_is_not_over_ends_now(tmp_path: Path) -> None:
    host = Host("boot-1", 1000.0, NOON)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.spend("walking", 100)
    wearer.sink.close()
    day = day_of(tmp_path / "d.db", "2026-11-21", now_ms=round(1000 * (NOON + 60)))
    assert day.pieces[-1].end_ms == round(1000 * (NOON + 60))
    assert day_of(tmp_path / "d.db", "2026-11-22", now_ms=round(1000 * NOON)).pieces == []


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
    walked_s = 20.0
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
        walked_s += 20
    host.set_clock(NOON + host.boot_s - 50.0)
    wearer.spend("walking", 20)
    wearer.kill()
    day = day_of(path, "2026-11-21")
    assert day.misdated == 0
    restarts = len(story) + 1
    assert seconds(day, "walking") == pytest.approx(walked_s + 20, abs=4 * restarts)
    begin_s, end_s = span(day, "walking")
    assert begin_s >= NOON - 4
    assert end_s == pytest.approx(host.utc_s, abs=1)


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_file_is_read_as_it_is(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.db"
    old.make(path, version, decisions=100)
    day = day_of(path, "2026-01-01")
    assert seconds(day, "sitting") == pytest.approx(100, abs=2)


def test_reading_while_the_daemon_writes_sees_whole_decisions(tmp_path: Path) -> None:
    host = Host("boot", 50.0, NOON)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.spend("walking", 60)
    with closing(query.open_to_read(tmp_path / "d.db")) as database:
        rows = query.read(database, 0, LATER_MS)
        next(rows)
        wearer.spend("walking", 60)  # is not held up by who reads
        day = read_day.read(database, date(2026, 11, 21), BERLIN, LATER_MS)
    assert seconds(day, "walking") == pytest.approx(120, abs=3)
    wearer.sink.close()


def test_the_last_minutes_of_a_wal_that_nobody_closed_are_read(tmp_path: Path) -> None:
    host = Host("boot", 50.0, NOON)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.spend("walking", 60)
    copy = tmp_path / "copy.db"
    for end in ("", "-wal"):
        (tmp_path / f"copy.db{end}").write_bytes((tmp_path / f"d.db{end}").read_bytes())
    assert seconds(day_of(copy, "2026-11-21"), "walking") == pytest.approx(60, abs=3)
    wearer.sink.close()


def test_what_cannot_be_read_is_said_in_a_line(tmp_path: Path) -> None:
    text, empty, alien = tmp_path / "text.db", tmp_path / "empty.db", tmp_path / "alien.db"
    text.write_text("no database " * 100)
    empty.write_bytes(b"")
    with closing(sqlite3.connect(alien)) as database:
        database.execute("CREATE TABLE songs (name)")
    for path, words in (
        (text, "not a database"),
        (empty, "no decisions yet"),
        (alien, "another program"),
        (tmp_path / "none.db", "--db"),
        (tmp_path, "--db"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            query.open_to_read(path)
        assert "\n" not in str(caught.value)


def test_who_may_not_look_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may look everywhere
    with pytest.raises(InputError, match="Permission denied; try sudo"):
        query.open_to_read(tmp_path / "d.db")


def test_the_query_in_the_documentation_gives_the_same_dates(tmp_path: Path) -> None:
    host = Host("boot-1", 12.0, 12.0)
    wearer = Wearer(host, tmp_path / "d.db")
    wearer.spend("walking", 2000)
    host.set_clock(NOON)
    wearer.spend("walking", 20)
    wearer.sink.close()
    text = (Path(__file__).parents[3] / "docs/HISTORY.md").read_text()
    (sql,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with closing(query.open_to_read(tmp_path / "d.db")) as database:
        by_hand = [row[0] for row in database.execute(sql)]
        ours = [utc_ms for utc_ms, _ in query.read(database, 0, LATER_MS)]
    moments = [to_ms(datetime.fromisoformat(time)) for time in by_hand]
    assert len(ours) > 1500
    assert max(abs(one - two) for one, two in zip(sorted(moments), ours, strict=True)) <= 1


def test_dates_are_to_the_millisecond() -> None:
    assert to_ms(datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)) == 1_795_262_400_123


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, and long enough to have a header")
    for path, says in (
        (tmp_path / "notes.txt", "notes.txt is not a database; give the file that"),
        (tmp_path, "is a folder; name the database with --db"),
        (tmp_path / "none.db", "none.db does not exist; create it"),
    ):
        with pytest.raises(InputError, match=says):
            query.open_to_read(path)
