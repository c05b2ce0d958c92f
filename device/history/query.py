"""Reads the database, with corrected dates, while the daemon writes it.

If the clock was set during a boot, it was wrong before. So each date is shifted by the amount by
which the clock was set later in the same boot (docs/HISTORY.md).
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from device.history import schema
from device.history.zone import to_ms
from device.host.clock import MARK_EVERY_S, STEP_S
from firmware_bridge.errors import InputError

EVER_MS = 1 << 62
_SLACK_MS = 60_000  # a decision is written within seconds of the end of its window
_MARKED_MS = round(1000 * MARK_EVERY_S)  # at most so long after the mark before a decision
_AT_ONCE = 2048
"""Rows per query. Each query is a transaction; a long one would block reuse of the WAL."""

_HEADER: Final = b"SQLite format 3\0"
"""First bytes of an SQLite database; a new database file is empty."""
_MARKS = """
SELECT run, number, CAST(round(1000 * (boot_s + runs.offset_s)) AS INTEGER) AS at_ms,
    CAST(round(1000 * (runs.offset_s - marks.offset_s)) AS INTEGER) AS shift_ms,
    CAST(round(1000 * (until_s + runs.offset_s)) AS INTEGER) AS at_work_ms
FROM marks JOIN runs USING (run) ORDER BY run, number
"""
_UNMARKED = "SELECT run, started FROM runs WHERE run NOT IN (SELECT run FROM marks) ORDER BY run"
_FROM = """
FROM decisions WHERE run = ? AND number >= ? AND number < ? AND time IS NOT NULL
ORDER BY number LIMIT ?
"""
_STEPS = """
SELECT coalesce(boot, run) AS boot, boot_s, marks.offset_s AS offset_s, runs.offset_s AS last_s
FROM marks JOIN runs USING (run) ORDER BY run, number
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive decisions of one run that were dated by one setting of the clock."""

    run: int
    first: int
    end: int
    """The number after the last."""
    shift_ms: int
    """Correction to add to their dates."""
    from_ms: int
    until_ms: int
    """Corrected time span of these decisions, since 1970."""


@dataclass(frozen=True, slots=True)
class Step:
    """The clock was set."""

    utc_ms: int
    """Time of the first mark after it, since 1970."""
    by_s: float
    """Positive if the clock was set forward."""


def check_file(path: Path) -> bool:
    """Return whether the file exists. Raises InputError if it is no database."""
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
    except FileNotFoundError:
        return False
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; name the database with --db") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; try sudo") from error
    if header not in {b"", _HEADER}:
        raise InputError(f"{path} is not a database; give the file that `run --sqlite` writes")
    return True


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a database that may be in use. Raises InputError."""
    if not check_file(path):
        raise InputError(
            f"{path} does not exist; write decisions with edgehar run --sqlite FILE,"
            " then read them with --db FILE"
        )
    uri = path.absolute().as_uri()
    try:
        try:
            return _opened(f"{uri}?mode=ro", path)
        except sqlite3.OperationalError:
            # In a read-only folder SQLite cannot create its lock files. A writer would have
            # created them, so without them nobody writes.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            return _opened(f"{uri}?mode=ro&immutable=1", path)
    except sqlite3.Error as error:
        advice = "try sudo" if "unable to open" in str(error) else "use a copy of the file"
        raise InputError(f"cannot read {path}: {error}; {advice}") from error


def _opened(uri: str, path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, timeout=5.0)
    try:
        database.row_factory = sqlite3.Row
        schema.prepare_to_read(database, str(path))
    except BaseException:
        database.close()
        raise
    return database


def stretches(database: sqlite3.Connection) -> list[Stretch]:
    """Return all stretches, in the order in which they were written. Raises sqlite3.Error."""
    parts = []
    for run, started in database.execute(_UNMARKED):
        began_ms = to_ms(datetime.fromisoformat(started))
        parts.append(Stretch(run, 0, EVER_MS, 0, began_ms, EVER_MS))
    for run, group in groupby(database.execute(_MARKS), key=lambda mark: int(mark["run"])):
        marks = list(group)
        for mark, after in zip(marks, [*marks[1:], None], strict=True):
            until_ms = max(mark["at_ms"] + _MARKED_MS, mark["at_work_ms"] or 0)
            parts.append(
                Stretch(
                    run=run,
                    first=mark["number"],
                    end=EVER_MS if after is None else after["number"],
                    shift_ms=mark["shift_ms"],
                    from_ms=mark["at_ms"],
                    until_ms=until_ms if after is None else after["at_ms"],
                )
            )
    return parts


def read(
    database: sqlite3.Connection, start_ms: int, end_ms: int, columns: str = "*"
) -> Iterator[tuple[int, sqlite3.Row]]:
    """Yield (ms since 1970, row) of each decision from start to end, and of some before and after.

    The decisions come in the order in which they were written. `columns` must include `number` and
    `time`; the row's `time` is not corrected. Decisions without a date, which come from
    recordings, are left out. Raises sqlite3.Error.
    """
    rows_of = f"SELECT {columns} {_FROM}"
    for part in stretches(database):
        if part.from_ms - _SLACK_MS > end_ms or part.until_ms + _SLACK_MS < start_ms:
            continue
        number = part.first
        while rows := database.execute(rows_of, (part.run, number, part.end, _AT_ONCE)).fetchall():
            for row in rows:
                yield to_ms(datetime.fromisoformat(row["time"])) + part.shift_ms, row
            number = rows[-1]["number"] + 1


def at_work_ms(database: sqlite3.Connection) -> dict[int, int]:
    """Return for each run the last time at which the daemon is known to have run, ms since 1970."""
    known = "SELECT run, until_s + offset_s AS utc_s FROM runs WHERE utc_s IS NOT NULL"
    return {run: round(1000 * utc_s) for run, utc_s in database.execute(known)}


def steps(database: sqlite3.Connection) -> list[Step]:
    """Return each setting of the clock during a run or between two runs of one boot."""
    settings = []
    for _, group in groupby(database.execute(_STEPS), key=lambda mark: str(mark["boot"])):
        before: sqlite3.Row | None = None
        for mark in group:
            by_s = 0.0 if before is None else mark["offset_s"] - before["offset_s"]
            if abs(by_s) > STEP_S:
                settings.append(Step(round(1000 * (mark["boot_s"] + mark["last_s"])), by_s))
            before = mark
    return settings
