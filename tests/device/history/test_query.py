"""Days read from the database: nights, silences, old files, and files that are no database."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from device.history import query, read_day
from device.history.day import OFF, Piece, totals
from device.history.zone import to_ms
from firmware_bridge.errors import InputError
from tests.device.history import old
from tests.device.history.made_up import BERLIN, LATER_MS, Host, Wearer, at, day_of, live, seconds

NOON = at("2026-11-21T12:00:00+01:00")
DAY_S = 86400.0


@pytest.fixture
def wearer(path: Path) -> Wearer:
    """A daemon that runs since noon."""
    return Wearer(Host("boot-1", 1000.0, NOON), path)


@pytest.mark.parametrize(
    ("evening", "hours", "day"),
    [
        ("2026-03-28T23:30:00+01:00", 23, "2026-03-29"),
        ("2026-10-24T23:30:00+02:00", 25, "2026-10-25"),
    ],
)
def test_a_night_in_which_the_wall_clock_changes(
    path: Path, evening: str, hours: int, day: str
) -> None:
    live(Host("boot-1", 1000.0, at(evening)), path, ("lying", 5 * 60))
    whole = day_of(path, day)
    assert whole.end_ms - whole.start_ms == hours * 3_600_000
    assert seconds(whole, "lying") == pytest.approx(4.5 * 3600, abs=3)  # after midnight
    assert sum(totals(whole.pieces).values()) == hours * 3_600_000
    assert whole.steps == []  # for UTC does not change


def test_days_that_meet_at_midnight_share_what_happened_then(path: Path) -> None:
    midnight = at("2026-11-22T00:00:00+01:00")
    wearer = Wearer(Host("boot-1", 1000.0, midnight - 400), path)
    wearer.begin()
    wearer.spend("walking", 200)
    wearer.fall_silent(500)
    wearer.kill()
    before, after = (day_of(path, day) for day in ("2026-11-21", "2026-11-22"))
    assert before.pieces[-1].end_ms == after.pieces[0].start_ms == 1000 * midnight
    silent_ms = [totals(day.pieces)["no_data", None] for day in (before, after)]
    assert sum(silent_ms) == pytest.approx(500_000, abs=3000)
    assert after.pieces[0].state == "no_data"
    assert after.pieces[-1].state == OFF


def test_a_long_silence_is_known_of_days_later(path: Path, wearer: Wearer) -> None:
    wearer.begin()
    wearer.spend("walking", 100)
    wearer.fall_silent(3 * DAY_S)
    wearer.kill()
    day = day_of(path, "2026-11-23")
    assert day.pieces == [Piece(day.start_ms, day.end_ms, "no_data", None)]


def test_a_daemon_that_stops_in_a_silence_says_how_long_it_was(path: Path, wearer: Wearer) -> None:
    wearer.begin()
    wearer.spend("walking", 100)
    wearer.fall_silent(40)
    wearer.sink.close()
    silent_ms = totals(day_of(path, "2026-11-21").pieces)["no_data", None]
    assert silent_ms == pytest.approx(40_000, abs=50)


def test_a_day_that_is_not_over_ends_now(path: Path, wearer: Wearer) -> None:
    wearer.spend("walking", 100)
    wearer.sink.close()
    day = day_of(path, "2026-11-21", now_ms=round(1000 * (NOON + 60)))
    assert day.pieces[-1].end_ms == round(1000 * (NOON + 60))
    assert day_of(path, "2026-11-22", now_ms=round(1000 * NOON)).pieces == []


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_file_is_read_as_it_is(path: Path, version: int) -> None:
    old.make(path, version, decisions=100)
    assert seconds(day_of(path, "2026-01-01"), "sitting") == pytest.approx(100, abs=2)


def test_reading_while_the_daemon_writes_sees_whole_decisions(path: Path, wearer: Wearer) -> None:
    wearer.spend("walking", 60)
    with closing(query.open_to_read(path)) as database:
        rows = query.read(database, 0, LATER_MS)
        next(rows)
        wearer.spend("walking", 60)  # the reader does not block the writer
        day = read_day.read(database, date(2026, 11, 21), BERLIN, LATER_MS)
    assert seconds(day, "walking") == pytest.approx(120, abs=3)
    wearer.sink.close()


def test_the_last_minutes_of_a_wal_that_nobody_closed_are_read(path: Path, wearer: Wearer) -> None:
    wearer.spend("walking", 60)
    copy = path.with_name("copy.db")
    for end in ("", "-wal"):
        copy.with_name(f"copy.db{end}").write_bytes(path.with_name(f"d.db{end}").read_bytes())
    assert seconds(day_of(copy, "2026-11-21"), "walking") == pytest.approx(60, abs=3)
    wearer.sink.close()


def test_what_cannot_be_read_is_said_in_a_line(tmp_path: Path) -> None:
    text, empty, alien = tmp_path / "text.db", tmp_path / "empty.db", tmp_path / "alien.db"
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    text.write_text("no database " * 100)
    empty.write_bytes(b"")
    with closing(sqlite3.connect(alien)) as database:
        database.execute("CREATE TABLE songs (name)")
    for path, words in (
        (text, "text.db is not a database; give the file that"),
        (empty, "no decisions yet"),
        (alien, "another program"),
        (damaged, "cannot read .*damaged.db: .*; use a copy of the file"),
        (tmp_path / "none.db", "none.db does not exist; write decisions.*--db"),
        (tmp_path, "is a folder; name the database with --db"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            query.open_to_read(path)
        assert "\n" not in str(caught.value)


def test_who_may_not_look_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may look everywhere
    with pytest.raises(InputError, match="Permission denied; try sudo"):
        query.open_to_read(path)


def test_dates_are_to_the_millisecond() -> None:
    assert to_ms(datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)) == 1_795_262_400_123
