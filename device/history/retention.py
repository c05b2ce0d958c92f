"""Deletes decisions beyond the limits of age and size, oldest first, a few at a time."""

import sqlite3

from device.config.limits import HistoryLimits
from device.host.clock import MARK_EVERY_S, Reading, stepped

LOOK_EVERY_S = 60.0
"""Time between two checks, unless there is more to delete."""
ROWS = 128
"""Decisions deleted in one step: 2.5 times as many as arrive between two checks."""
FREE_PAGES = 1024
"""Free pages that stay in the file; more are returned to the file system."""
PAGES = 32
"""Pages returned in one step."""
SETTLED_S = 3600.0
"""After the clock was set or first read, no decision is deleted for its age for this time."""
_WAL_BYTES = 5 << 20
_SET_S = 1_577_836_800.0  # 2020: an earlier time means that the clock was never set

_UTC = "SELECT number, boot_s + runs.offset_s AS utc_s FROM marks JOIN runs USING (run)"
_BEFORE = f"{_UTC} WHERE run = ? AND number <= ? ORDER BY number DESC LIMIT 1"
_AFTER = f"{_UTC} WHERE run = ? AND number > ? ORDER BY number LIMIT 1"
_LATER = f"{_UTC} WHERE run > ? AND utc_s > ? ORDER BY run, number LIMIT 1"
_OLDEST = "SELECT run, number FROM decisions ORDER BY run, number LIMIT 1"


class Retention:
    """Keeps one database within its limits."""

    def __init__(self, limits: HistoryLimits) -> None:
        self._keep_s = limits.keep_days * 86400.0
        self._max_bytes = limits.max_mb * 1_000_000 - _WAL_BYTES
        self._look_s = float("-inf")
        self._since: Reading | None = None

    def step(self, database: sqlite3.Connection, now: Reading) -> bool:
        """Delete a few decisions beyond the limits; return whether it did. Raises sqlite3.Error."""
        if self._since is None or stepped(self._since.offset_s, now):
            self._since = now
        if now.boot_s < self._look_s:
            return False
        removed = self._remove(database, now)
        if not removed:
            self._look_s = now.boot_s + LOOK_EVERY_S
        return removed

    def _remove(self, database: sqlite3.Connection, now: Reading) -> bool:
        page_bytes, pages, free, vacuum = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
        )
        oldest = database.execute(_OLDEST).fetchone()
        if oldest and (pages - free + FREE_PAGES) * page_bytes > self._max_bytes:
            _delete(database, oldest, None)
            return True
        settled = self._since is not None and now.boot_s - self._since.boot_s >= SETTLED_S
        if oldest and settled and _known_past_s(database, *oldest) < now.utc_s - self._keep_s:
            after = database.execute(_AFTER, oldest).fetchone()
            _delete(database, oldest, after[0] if after else None)
            return True
        if free > FREE_PAGES and vacuum:
            # Returns one row without columns per page; `execute` would stop at the first.
            database.executescript(f"PRAGMA incremental_vacuum({PAGES})")
            return True
        return False


def _known_past_s(database: sqlite3.Connection, run: int, number: int) -> float:
    """Return a time at or after a decision, in seconds since 1970; inf if it is unknown."""
    before = database.execute(_BEFORE, (run, number)).fetchone()
    if before and before[1] > _SET_S:
        return float(before[1]) + MARK_EVERY_S
    # The clock of its boot was never set, or has no mark: use the mark of a later run.
    later = database.execute(_LATER, (run, _SET_S)).fetchone()
    return float(later[1]) if later else float("inf")


def _delete(database: sqlite3.Connection, oldest: tuple[int, int], end: int | None) -> None:
    """Delete the oldest decision and some after it, before number `end`; delete empty runs."""
    run, number = oldest
    with database:
        # Numbers may be missing, so the limit counts rows.
        last = database.execute(
            "SELECT max(number) FROM (SELECT number FROM decisions"
            " WHERE run = ? AND number >= ? AND number < ? ORDER BY number LIMIT ?)",
            (run, number, 1 << 62 if end is None else end, ROWS),
        ).fetchone()[0]
        database.execute(
            "DELETE FROM decisions WHERE run = ? AND number BETWEEN ? AND ?", (run, number, last)
        )
        database.execute(
            "DELETE FROM marks WHERE run = ? AND number <"
            " (SELECT max(number) FROM marks WHERE run = ? AND number <= ? + 1)",
            (run, run, last),
        )
        # An empty run has ended: a later run has decisions.
        over = "run < (SELECT min(run) FROM decisions)"
        database.execute(f"DELETE FROM marks WHERE {over}")  # noqa: S608 -- our own words
        database.execute(f"DELETE FROM runs WHERE {over}")  # noqa: S608
