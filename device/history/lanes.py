"""A day as lanes for its pictures: one for each activity and for each state without activity."""

from collections.abc import Sequence
from dataclasses import dataclass

from device.history.day import OFF, Piece
from device.history.read_day import Day
from device.history.zone import to_local

SILENT = {
    "unknown": "unknown",
    "not_worn": "not worn",
    "warming_up": "warming up",
    "no_data": "no data",
    OFF: "not recorded",
}
"""Names of the states without activity, in the order of the lanes."""
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
    """None for a state without activity."""
    ms: int
    """Total time on that day."""
    shares: Sequence[float]
    """For each column, the share of its time in this lane, 0 to 1."""


def lanes(day: Day, columns: int) -> list[Lane]:
    """Return the lanes of everything that occurred, activities first; `columns` divide the day."""
    by_name: dict[str, list[Piece]] = {}
    for piece in day.pieces:
        by_name.setdefault(name(piece), []).append(piece)
    column_ms = (day.end_ms - day.start_ms) / columns
    return [
        Lane(
            name=lane,
            activity=pieces[0].what if pieces[0].state == "ok" else None,
            ms=sum(piece.ms for piece in pieces),
            shares=_shares(pieces, day.start_ms, column_ms, columns),
        )
        for lane, pieces in sorted(by_name.items(), key=lambda item: _place(item[1][0]))
    ]


def name(piece: Piece) -> str:
    """Return the name of a piece's lane."""
    return (piece.what or "?").replace("_", " ") if piece.state == "ok" else SILENT[piece.state]


def hours(day: Day) -> list[tuple[float, int]]:
    """Return for each hour its position in the day, 0 to 1, and the local hour, 0 to 23."""
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


def _shares(pieces: Sequence[Piece], start_ms: int, column_ms: float, columns: int) -> list[float]:
    shares = [0.0] * columns
    for piece in pieces:
        begin, end = ((at - start_ms) / column_ms for at in (piece.start_ms, piece.end_ms))
        for column in range(int(begin), min(columns, int(end) + 1)):
            shares[column] += max(0.0, min(end, column + 1) - max(begin, column))
    return [min(share, 1.0) for share in shares]
