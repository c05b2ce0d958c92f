"""A day as lanes, one for each activity and each state that is none, for pictures of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from device.history.bouts import Bout
from device.history.day import OFF, Piece
from device.history.read_day import Day
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
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of a picture."""

    name: str
    activity: str | None
    """None: a state that is no activity."""
    ms: int
    """All of it on that day."""
    shares: Sequence[float]
    """0 to 1: how much of each column was that."""


def lanes(day: Day, columns: int) -> list[Lane]:
    """Return the lanes of all that occurred, activities first, the day cut into columns."""
    by_name: dict[str, list[Piece]] = {}
    for piece in day.pieces:
        by_name.setdefault(name(piece), []).append(piece)
    column_ms = (day.end_ms - day.start_ms) / columns
    return [
        Lane(
            name=one,
            activity=found[0].what if found[0].state == "ok" else None,
            ms=sum(piece.ms for piece in found),
            shares=_shares(found, day.start_ms, column_ms, columns),
        )
        for one, found in sorted(by_name.items(), key=lambda item: _place(item[1][0]))
    ]


def name(one: Piece | Bout) -> str:
    """Return the name of its lane."""
    return (one.what or "?").replace("_", " ") if one.state == "ok" else SILENT[one.state]


def hours(day: Day) -> list[tuple[float, int]]:
    """Return how far through the day, 0 to 1, each hour is, and which on the wall's clock."""
    length_ms = day.end_ms - day.start_ms
    return [
        (past_ms / length_ms, to_local(day.start_ms + past_ms, day.zone).hour)
        for past_ms in range(0, length_ms, _HOUR_MS)
    ]


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
