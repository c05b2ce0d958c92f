"""Labels as text for the terminal."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import tzinfo
from pathlib import Path

from device.config.suggest import did_you_mean
from device.history import lanes, query, read_day
from device.history.day import Piece, totals
from device.history.summary import duration
from device.history.zone import to_local
from device.host.clock import Reading
from device.labels.boot_time import Span
from device.labels.store import Correction
from firmware_bridge.errors import EdgeharError

_SHORTEST_S = 1.0


def one_line(one: Correction, zone: tzinfo, now: Reading) -> str:
    """Return a label as a line of text, dated by the current setting of the clock."""
    first, last = one.spans[0], one.spans[-1]
    begin = to_local(_utc_ms(first, first.from_s, now), zone)
    end = to_local(_utc_ms(last, last.until_s, now), zone)
    until = f"{end:%H:%M:%S}" if end.date() == begin.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    missing = duration(round(1000 * one.missing_s)) if one.missing_s >= _SHORTEST_S else "nothing"
    return (
        f"{one.label}, {begin:%Y-%m-%d %H:%M:%S} to {until}, {one.samples} samples,"
        f" {missing} missing"
    )


def board_said(db: Path, from_utc_s: float, until_utc_s: float) -> str:
    """Return the board's decisions in a time span, the most frequent first."""
    times = round(1000 * from_utc_s), round(1000 * until_utc_s)
    try:
        with closing(query.open_to_read(db)) as database:
            pieces, _ = read_day.between(database, *times)
    except (EdgeharError, sqlite3.Error) as error:
        return f"cannot read the board's decisions: {error}"
    sums = sorted(totals(pieces).items(), key=lambda one: -one[1])
    decided = [
        f"{lanes.name(Piece(0, ms, *kind))} {duration(ms)}"
        for kind, ms in sums
        if ms >= 1000 * _SHORTEST_S
    ]
    return f"the board decided: {', '.join(decided) or 'nothing'}"


def is_strange(label: str, known: Sequence[str]) -> str | None:
    """Return a warning if the model does not have this label."""
    if not known or label in known:
        return None
    guess = did_you_mean(label, known) or "; it has " + ", ".join(known)
    return f"the model has no activity {label}{guess}"


def _utc_ms(span: Span, at_s: float, now: Reading) -> int:
    runs = now.boot_bytes == span.boot
    return round(1000 * (at_s + (now.offset_s if runs else span.offset_s)))
