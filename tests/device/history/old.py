"""Creates database files of older versions."""

import sqlite3
from contextlib import closing
from pathlib import Path

_FIRST = """
CREATE TABLE runs (run INTEGER PRIMARY KEY, started TEXT NOT NULL, source TEXT NOT NULL);
CREATE TABLE decisions (
    run INTEGER NOT NULL REFERENCES runs, number INTEGER NOT NULL, start_s REAL, end_s REAL,
    time TEXT, state TEXT NOT NULL, activity TEXT, confidence REAL, probabilities TEXT,
    lost INTEGER NOT NULL, model TEXT NOT NULL, PRIMARY KEY (run, number)
) WITHOUT ROWID;
PRAGMA journal_mode = WAL;
INSERT INTO runs VALUES (1, '2026-01-01T10:00:00+00:00', 'serial:/dev/ttyUSB0');
"""


def make(path: Path, version: int, decisions: int = 3) -> None:
    """Create a file of version 1 or 2 with one run of sitting, one decision a second."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_FIRST)
        for number in range(1, decisions + 1):
            time = f"2026-01-01T10:{number // 60:02}:{number % 60:02}.000Z"
            row = (1, number, number - 1.0, number, time, "ok", "sitting", 0.9, None, 0, "m@0")
            database.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        if version == 2:
            database.execute("ALTER TABLE decisions ADD COLUMN reason TEXT")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
