"""A local day from the database."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from device.history import query
from device.history.day import Piece, Said, pieces
from device.history.zone import bounds_ms

_COLUMNS = "run, number, start_s, end_s, time, state, activity, reason"


@dataclass(frozen=True, slots=True)
class Day:
    """What a day was made of."""

    date: date
    zone: tzinfo
    start_ms: int
    end_ms: int
    """Both in ms since 1970; 23 to 25 hours apart."""
    pieces: Sequence[Piece]
    """They fill the day from its start to its end, or to now."""
    misdated: int
    """Decisions left out, for others are dated in the same time."""
    steps: Sequence[query.Step]
    """Of the clock, on that day."""


def read(database: sqlite3.Connection, day: date, zone: tzinfo, now_ms: int) -> Day:
    """Read a day, as far as it has come. Raises sqlite3.Error."""
    start_ms, end_ms = bounds_ms(day, zone)
    found, misdated = between(database, start_ms, max(start_ms, min(end_ms, now_ms)))
    steps = [step for step in query.steps(database) if start_ms <= step.utc_ms < end_ms]
    return Day(day, zone, start_ms, end_ms, found, misdated, steps)


def between(database: sqlite3.Connection, start_ms: int, end_ms: int) -> tuple[list[Piece], int]:
    """Return what any time was made of, and the decisions left out. Raises sqlite3.Error."""
    rows = query.read(database, start_ms, end_ms, _COLUMNS)
    said = (_said(utc_ms, row) for utc_ms, row in rows)
    return pieces(said, query.at_work_ms(database), start_ms, end_ms)


def _said(utc_ms: int, row: sqlite3.Row) -> Said:
    state = row["state"]
    return Said(
        run=row["run"],
        number=row["number"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        end_ms=utc_ms,
        state=state,
        # What is unknown is so for several reasons; of the others the state says all.
        what=row["activity"] if state == "ok" else row["reason"] if state == "unknown" else None,
    )
