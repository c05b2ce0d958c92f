import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from device.history import schema
from device.sinks.sqlite import Sqlite
from firmware_bridge.errors import InputError
from tests.device.history import old
from tests.device.history.killing import decision


def tables(path: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        return {
            name: {column[1] for column in database.execute(f"PRAGMA table_info({name})")}
            for name in names
        }


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_file_becomes_what_a_new_one_is_and_keeps_its_rows(
    path: Path, version: int
) -> None:
    fresh = path.with_name("new.db")
    old.make(path, version)
    for _ in range(2):  # the second run needs no migration
        sink = Sqlite(path, "x")
        sink.write(decision(9))
        sink.close()
    Sqlite(fresh, "x").close()
    assert tables(path) == tables(fresh)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        rows = database.execute("SELECT run, number, activity, reason FROM decisions")
        assert rows.fetchall() == [
            (1, 1, "sitting", None), (1, 2, "sitting", None), (1, 3, "sitting", None),
            (2, 1, "walking", None), (3, 1, "walking", None),
        ]  # fmt: skip


@pytest.mark.parametrize("version", [1, 2])
def test_a_migration_that_was_cut_off_begins_anew(path: Path, version: int) -> None:
    old.make(path, version)
    with closing(sqlite3.connect(path)) as database:
        script = schema._FROM[version].replace("COMMIT;", "")
        database.executescript(script)  # closed without a commit
    sink = Sqlite(path, "x")
    sink.write(decision(1))
    sink.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM decisions").fetchone() == (4,)


@pytest.mark.parametrize("version", [1, 2])
def test_a_reader_sees_an_older_file_as_a_new_one_and_leaves_it(path: Path, version: int) -> None:
    old.make(path, version)
    before = path.read_bytes()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        schema.prepare_to_read(database, str(path))
        rows = database.execute(
            "SELECT number, reason, boot, until_s FROM decisions JOIN runs USING (run)"
        ).fetchall()
        assert rows == [(n, None, None, None) for n in (1, 2, 3)]
        assert database.execute("SELECT run, offset_s FROM marks").fetchall() == []
    assert path.read_bytes() == before


def test_a_newer_file_is_refused_in_one_line_and_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(InputError, match="newer edgehar") as caught:
        Sqlite(path, "x")
    assert "\n" not in str(caught.value)
    with closing(sqlite3.connect(path)) as database, pytest.raises(InputError, match="newer"):
        schema.prepare_to_read(database, str(path))
    assert path.read_bytes() == before
