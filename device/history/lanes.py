"""A day as lanes, one for each activity and each state that is none, for pictures of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from device.decisions import IN_WORDS
from device.history.day import OFF, Bout, Piece, bouts, totals
from device.history.whole_day import Day
from device.history.zone import to_local

SILENT = {
    "unknown": "unknown",
    "not_worn": "not worn",
    "warming_up": "warming up",
    "no_data": "no data",
    OFF: "off or not kept",
}
"""The states that are no activity, in their order, in words."""
_ORDER = (
    "running", "walking", "walking_upstairs", "walking_downstairs", "stairs", "standing", "sitting",
    "lying",
)  # fmt: skip
_WORDS: Mapping[str, str] = dict(IN_WORDS.items())
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of a picture."""

    name: str
    is_activity: bool
    ms: int
    """All of it on that day."""
    shares: Sequence[float]
    """0 to 1: how much of each column was that."""


def lanes(day: Day, column_ms: float) -> list[Lane]:
    """Return the lanes of all that occurred, activities first."""
    by_name: dict[str, list[Piece]] = {}
    for piece in day.pieces:
        by_name.setdefault(name(piece), []).append(piece)
    columns = round((day.end_ms - day.start_ms) / column_ms)
    return [
        Lane(
            name=one,
            is_activity=found[0].state == "ok",
            ms=sum(piece.ms for piece in found),
            shares=_shares(found, day.start_ms, column_ms, columns),
        )
        for one, found in sorted(by_name.items(), key=lambda item: _place(item[1][0]))
    ]


def name(one: Piece | Bout) -> str:
    """Return the name of its lane."""
    return (one.what or "?").replace("_", " ") if one.state == "ok" else SILENT[one.state]


def hours(day: Day) -> list[tuple[int, int]]:
    """Return the ms since 1970 of each whole hour of the day, and the hour on the wall clock."""
    begins = range(day.start_ms, day.end_ms, _HOUR_MS)
    return [(at, to_local(at, day.zone).hour) for at in begins]


def reasons(day: Day) -> list[tuple[str, int]]:
    """Return why it was unknown, in words, and for how many ms; the most first."""
    found = [
        (in_words(what), ms)
        for (state, what), ms in totals(day.pieces).items()
        if state == "unknown"
    ]
    return sorted(found, key=lambda one: -one[1])


def in_words(reason: str | None) -> str:
    """Return why it was unknown."""
    return _WORDS.get(reason, reason) if reason else "no reason kept"


def course(day: Day, least_ms: int) -> tuple[list[Bout], int]:
    """Return the bouts of `least_ms` or more, and how many shorter ones there were."""
    found = bouts(day.pieces)
    long = [bout for bout in found if bout.ms >= least_ms]
    return long, len(found) - len(long)


def duration(ms: int) -> str:
    """Return `1 h 05 min`, `3 min` or `12 s`."""
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _place(piece: Piece) -> tuple[int, int, str]:
    if piece.state != "ok":
        return 1, list(SILENT).index(piece.state), ""
    what = piece.what or "?"
    return 0, _ORDER.index(what) if what in _ORDER else len(_ORDER), what


def _shares(found: Sequence[Piece], start_ms: int, column_ms: float, columns: int) -> list[float]:
    shares = [0.0] * columns
    for piece in found:
        begin, end = ((at - start_ms) / column_ms for at in (piece.start_ms, piece.end_ms))
        for column in range(int(begin), min(columns, int(end) + 1)):
            shares[column] += max(0.0, min(end, column + 1) - max(begin, column))
    return [min(share, 1.0) for share in shares]
