"""Reads a local day from the database."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from device.history import query
from device.history.day import DatedDecision, Piece, pieces
from device.history.zone import bounds_ms

_COLUMNS = "run, number, start_s, end_s, time, state, activity, reason"


@dataclass(frozen=True, slots=True)
class Day:
    """The pieces of a local day."""

    date: date
    zone: tzinfo
    start_ms: int
    end_ms: int
    """start_ms and end_ms are since 1970; 23 to 25 hours apart."""
    pieces: Sequence[Piece]
    """They fill the day from its start to its end, or to now."""
    misdated: int
    """Number of decisions left out because they are dated in the time of others."""
    steps: Sequence[query.Step]
    """Settings of the clock on that day."""


def read(database: sqlite3.Connection, day: date, zone: tzinfo, now_ms: int) -> Day:
    """Read a day, up to now_ms if it is not over. Raises sqlite3.Error."""
    start_ms, end_ms = bounds_ms(day, zone)
    parts, misdated = between(database, start_ms, max(start_ms, min(end_ms, now_ms)))
    steps = [step for step in query.steps(database) if start_ms <= step.utc_ms < end_ms]
    return Day(day, zone, start_ms, end_ms, parts, misdated, steps)


def between(database: sqlite3.Connection, start_ms: int, end_ms: int) -> tuple[list[Piece], int]:
    """Return the pieces of a time span, and the number of misdated decisions.

    Raises sqlite3.Error.
    """
    rows = query.read(database, start_ms, end_ms, _COLUMNS)
    decisions = (_decision(utc_ms, row) for utc_ms, row in rows)
    return pieces(decisions, query.at_work_ms(database), start_ms, end_ms)


def _decision(utc_ms: int, row: sqlite3.Row) -> DatedDecision:
    state = row["state"]
    return DatedDecision(
        run=row["run"],
        number=row["number"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        end_ms=utc_ms,
        state=state,
        # Only `unknown` has several reasons; each other state has one.
        what=row["activity"] if state == "ok" else row["reason"] if state == "unknown" else None,
    )
