import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from device.decision.decision import Decision, to_json
from device.sinks import Outlet, SinkError
from device.sinks.sqlite import BACKLOG, Sqlite
from firmware_bridge.errors import InputError
from tests.device.full_disk import full_disk
from tests.device.history.killing import decision


def numbers(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT run, number FROM decisions ORDER BY 1, 2").fetchall()


def test_a_row_says_what_the_json_line_says(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    silent = Decision(None, None, None, "no_data", None, None, None, None, 0, "m@0")
    unsure = replace(decision(8), state="unknown", activity=None, reason="unsure")
    sink = Sqlite(path, "serial:/dev/ttyUSB0")
    sink.write(decision(7))
    sink.write(silent)
    sink.write(unsure)
    sink.close()
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM decisions ORDER BY number")]
        assert [row["source"] for row in database.execute("SELECT source FROM runs")] == [
            "serial:/dev/ttyUSB0"
        ]
    for row, said in zip(rows, (decision(7), silent, unsure), strict=True):
        del row["run"], row["number"]
        row["probabilities"] = row["probabilities"] and json.loads(row["probabilities"])
        assert row == json.loads(to_json(said))


def test_a_decision_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    sink = Sqlite(tmp_path / "d.db", "x")
    with closing(sqlite3.connect(tmp_path / "d.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM decisions").fetchall()  # an open read transaction
        sink.write(decision(1))
        assert numbers(tmp_path / "d.db") == [(1, 1)]
    sink.close()


def test_a_full_disk_is_said_once_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "d.db"
    sink = Sqlite(path, "x")
    outlet = Outlet(sink)
    outlet.write(decision(1))
    with full_disk(4096):
        for number in range(2, 60):
            outlet.write(decision(number))
    assert outlet.failures == 58
    outlet.write(decision(60))
    outlet.write(decision(61))
    outlet.close()
    assert numbers(path) == [(1, number) for number in range(1, 62)]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert str(path) in caplog.messages[0]


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    with full_disk(0):
        sink = Sqlite(tmp_path / "d.db", "x")
        for number in range(1, BACKLOG + 11):
            with pytest.raises(SinkError):
                sink.write(decision(number))
    sink.write(decision(BACKLOG + 11))
    sink.close()
    # The oldest decisions are dropped, and their numbers are missing.
    assert numbers(tmp_path / "d.db") == [(1, n) for n in range(12, BACKLOG + 12)]


def test_a_database_that_another_writer_holds(tmp_path: Path) -> None:
    sink = Sqlite(tmp_path / "d.db", "x")
    with closing(sqlite3.connect(tmp_path / "d.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SinkError, match="locked"):
            sink.write(decision(1))
    sink.write(decision(2))
    sink.close()
    assert numbers(tmp_path / "d.db") == [(1, 1), (1, 2)]


def test_what_cannot_be_our_database_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    alien = tmp_path / "alien.db"
    with closing(sqlite3.connect(alien)) as database:
        database.execute("CREATE TABLE songs (name)")
    for path, words in (
        (text, "not an SQLite database"),
        (alien, "another program"),
        (tmp_path / "no" / "folder.db", "folder"),
        (tmp_path, "cannot be opened"),
    ):
        with pytest.raises(InputError, match=words):
            Sqlite(path, "x")
