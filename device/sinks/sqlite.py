"""Decisions in an SQLite database, one commit each: a kill loses at most the one being written.

WAL, so others may read at any time. `synchronous = NORMAL` spares an SD card a flush at every
decision: a power cut may cost the last ones the kernel had not written yet, never the database.
"""

import contextlib
import json
import sqlite3
from collections import deque
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from device.decisions import Decision, to_json
from device.sinks import SinkError
from firmware_bridge.errors import InputError

VERSION = 2
"""`PRAGMA user_version` of the schema below."""

BACKLOG = 1000
"""Decisions kept while they cannot be written (a full disk): 21 minutes at one each 1.28 s."""

_SCHEMA = f"""
BEGIN;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started TEXT NOT NULL,        -- UTC, ISO 8601
    source TEXT NOT NULL          -- as given: serial:/dev/ttyUSB0
);
CREATE TABLE decisions (
    run INTEGER NOT NULL REFERENCES runs,
    number INTEGER NOT NULL,      -- from 1 within the run; one that is missing was lost
    start_s REAL,                 -- on the sensor's clock, so compare within a run only
    end_s REAL,
    time TEXT,                    -- UTC, ISO 8601, of end_s; NULL for a recording
    state TEXT NOT NULL,          -- ok, warming_up, no_data, not_worn, unknown
    activity TEXT,                -- NULL unless ok
    reason TEXT,                  -- unsure, unfamiliar, mounting; NULL unless unknown
    confidence REAL,
    probabilities TEXT,           -- JSON object, by label
    lost INTEGER NOT NULL,        -- samples
    model TEXT NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""
# Version 1 had no reasons; in a table made by it the column is the last.
_FROM_1 = f"""
BEGIN;
ALTER TABLE decisions ADD COLUMN reason TEXT;
PRAGMA user_version = {VERSION};
COMMIT;
"""
_START = "INSERT INTO runs VALUES (?, ?, ?)"
_COLUMNS = ("run", "number", *(field.name for field in fields(Decision)))
_INSERT = (
    f"INSERT OR IGNORE INTO decisions ({', '.join(_COLUMNS)})"  # noqa: S608 -- names of our own
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_UNUSABLE = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; does its folder exist, and may you write there?",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database; give another file",
    sqlite3.SQLITE_READONLY: "may not be written to",
    sqlite3.SQLITE_PERM: "may not be written to",
}


class Sqlite:
    """One run's decisions in a database file, made if it is not there."""

    def __init__(self, path: Path, source: str) -> None:
        """Open it; raises InputError where waiting will not help (a full disk is for `write`)."""
        self.name = str(path)
        self._run = (None, datetime.now(UTC).isoformat(timespec="seconds"), source)
        self._run_id: int | None = None
        self._number = 0
        self._waiting: deque[tuple[object, ...]] = deque(maxlen=BACKLOG)
        self._database: sqlite3.Connection | None = None
        try:
            self._database = self._open()
        except sqlite3.Error as error:
            reason = _UNUSABLE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if reason:
                raise InputError(f"{path} {reason}") from error

    def write(self, decision: Decision) -> None:
        """Write and commit, with all that could not be written before; raises SinkError."""
        self._number += 1
        self._waiting.append((self._number, *_row(decision)))
        try:
            self._database = self._database or self._open()
            with self._database as transaction:
                run_id = self._run_id or transaction.execute(_START, self._run).lastrowid
                transaction.executemany(_INSERT, ((run_id, *row) for row in self._waiting))
        except sqlite3.Error as error:
            self.close()  # after an I/O error only a fresh connection is sure to recover
            raise SinkError(f"cannot write decisions to {self.name}: {error}") from error
        self._run_id = run_id
        self._waiting.clear()

    def close(self) -> None:
        """Close the database; everything written is committed."""
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):  # a checkpoint that a full disk refuses
                self._database.close()
            self._database = None

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.name, timeout=0.5)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version > VERSION:
            raise InputError(f"{self.name} was made by a newer edgehar; give another file")
        if version == 0 and tables:
            raise InputError(f"{self.name} is a database of something else; give another file")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA cache_size = -256")  # KiB: rows go out in order, none come in
        if version == 0:
            database.executescript(_SCHEMA)
        elif version == 1:
            database.executescript(_FROM_1)


def _row(decision: Decision) -> tuple[object, ...]:
    """Return the values as on standard output, so that the two agree to the last digit."""
    values = json.loads(to_json(decision))
    probabilities = values["probabilities"]
    return tuple({**values, "probabilities": probabilities and json.dumps(probabilities)}.values())
