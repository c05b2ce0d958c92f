"""The tables of the database, and its migrations from older versions."""

import sqlite3

from firmware_bridge.errors import InputError

VERSION = 3
"""`PRAGMA user_version` of the schema below."""
UNUSABLE = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder exists and is writable",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database; give another file",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_PERM: "is read-only",
}
"""Message for each of SQLite's primary error codes that a later attempt does not solve."""

_MARKS = """
CREATE TABLE marks (              -- how the host's clock stood; at most 15 minutes from one to next
    run INTEGER NOT NULL REFERENCES runs,
    number INTEGER NOT NULL,      -- of the first decision dated so
    boot_s REAL NOT NULL,         -- seconds since the boot
    offset_s REAL NOT NULL,       -- the clock less boot_s: the boot, in seconds since 1970
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
"""
_SCHEMA = f"""
BEGIN;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started TEXT NOT NULL,        -- UTC, ISO 8601, by the clock as it stood
    source TEXT NOT NULL,         -- as given: serial:/dev/ttyUSB0
    boot TEXT,                    -- the kernel's name of the boot; NULL if unknown
    offset_s REAL,                -- as in marks, by the clock as it stood last in this boot
    until_s REAL                  -- seconds since the boot, when the daemon was last at work
);
CREATE TABLE decisions (
    run INTEGER NOT NULL REFERENCES runs,
    number INTEGER NOT NULL,      -- from 1 within the run; one that is missing was lost
    start_s REAL,                 -- on the sensor's clock, so compare within a run only
    end_s REAL,
    time TEXT,                    -- UTC, ISO 8601, of end_s, as said then; NULL for a recording
    state TEXT NOT NULL,          -- ok, warming_up, no_data, not_worn, unknown
    activity TEXT,                -- NULL unless ok
    reason TEXT,                  -- why there is no activity; NULL if ok
    confidence REAL,
    probabilities TEXT,           -- JSON object, by label
    lost INTEGER NOT NULL,        -- samples
    model TEXT NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;
{_MARKS}
PRAGMA user_version = {VERSION};
COMMIT;
"""
_FROM = {
    # Version 1 had no reasons; after the migration `reason` is the last column.
    1: """
BEGIN;
ALTER TABLE decisions ADD COLUMN reason TEXT;
PRAGMA user_version = 2;
COMMIT;
""",
    # Version 2 did not record settings of the clock.
    2: f"""
BEGIN;
ALTER TABLE runs ADD COLUMN boot TEXT;
ALTER TABLE runs ADD COLUMN offset_s REAL;
ALTER TABLE runs ADD COLUMN until_s REAL;
{_MARKS}
PRAGMA user_version = 3;
COMMIT;
""",
}
# Views that add the missing columns and tables for a reader, who may not change the file.
_AS_IF = {
    1: "CREATE TEMP VIEW decisions AS SELECT *, NULL AS reason FROM main.decisions;",
    2: """
CREATE TEMP VIEW runs AS
    SELECT *, NULL AS boot, NULL AS offset_s, NULL AS until_s FROM main.runs;
CREATE TEMP VIEW marks AS
    SELECT NULL AS run, NULL AS number, NULL AS boot_s, NULL AS offset_s WHERE 0;
""",
}


def prepare_to_write(database: sqlite3.Connection, name: str) -> None:
    """Create the tables, or migrate them to VERSION. Raises InputError, sqlite3.Error."""
    version = _version(database, name)
    if version == 0:
        # So that free pages can be returned; only possible before the first write.
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA cache_size = -256")  # KiB: rows are only appended in order
    database.execute("PRAGMA journal_size_limit = 4194304")  # bytes; a long reader makes it grow
    if version == 0:
        database.executescript(_SCHEMA)
    for older in range(version or VERSION, VERSION):
        database.executescript(_FROM[older])


def prepare_to_read(database: sqlite3.Connection, name: str) -> None:
    """Show an older file in the current schema to this connection.

    Raises InputError, sqlite3.Error.
    """
    version = _version(database, name)
    if version == 0:
        raise InputError(f"{name} contains no decisions yet; check that it is the right file")
    for older in range(version, VERSION):
        database.executescript(_AS_IF[older])


def _version(database: sqlite3.Connection, name: str) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > VERSION:
        raise InputError(
            f"{name} was made by a newer edgehar (schema {version}, this version reads up to"
            f" {VERSION}); give another file or update edgehar"
        )
    if version == 0 and tables:
        raise InputError(f"{name} is a database of another program; give another file")
    return version
