"""A day out of its decisions: what it was made of, piece by piece and in all. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, pairwise

OFF = "off"
"""The daemon did not run, or what it said was not kept. All other states are a decision's."""
_SLIP_MS = 5_000
"""Dates may slip so far against the sensor's clock, where the fit between the two is young."""
_CUT_OFF = ("no_data", "warming_up")
"""They begin where they begin, whatever was said of that time before."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a day needs of a decision."""

    run: int
    number: int
    start_s: float | None
    end_s: float | None
    """Both on the sensor's clock."""
    end_ms: int
    """Since 1970, put right."""
    state: str
    what: str | None
    """The activity if ok, the reason if unknown."""

    @property
    def begin_ms(self) -> int:
        """Since 1970."""
        if self.start_s is None or self.end_s is None:
            return self.end_ms
        return self.end_ms - round(1000 * (self.end_s - self.start_s))


@dataclass(frozen=True, slots=True)
class Piece:
    """A time of one kind."""

    start_ms: int
    end_ms: int
    state: str
    what: str | None

    @property
    def ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms

    @property
    def kind(self) -> tuple[str, str | None]:
        """State, and activity or reason."""
        return self.state, self.what


def pieces(
    said: Iterable[Said], at_work_ms: Mapping[int, int], start_ms: int, end_ms: int
) -> tuple[list[Piece], int]:
    """Return pieces that fill the time from start to end, each second in one of them.

    Decisions come in the order in which they were written; at_work_ms says by run until when the
    daemon is known to have been at work. Also returned: how many decisions are dated in a time
    that earlier ones have; they are left out, for one clock or the other was wrong.
    """
    if end_ms <= start_ms:
        return [], 0
    line, misdated = _Line(at_work_ms, start_ms), 0
    for one, after in pairwise(chain(said, (None,))):
        if one is not None and not line.take(one, after):
            misdated += 1
    line.fill(end_ms, None)
    return line.between(start_ms, end_ms), misdated


def totals(found: Iterable[Piece]) -> dict[tuple[str, str | None], int]:
    """Return ms by kind (state, and activity or reason), of every piece however short."""
    sums: dict[tuple[str, str | None], int] = {}
    for piece in found:
        sums[piece.kind] = sums.get(piece.kind, 0) + piece.ms
    return sums


class _Line:
    """Pieces one behind another."""

    def __init__(self, at_work_ms: Mapping[int, int], start_ms: int) -> None:
        self._pieces: list[Piece] = []
        self._at_work_ms = at_work_ms
        self._before: Said | None = None
        # The piece that goes on.
        self._start_ms = self._end_ms = start_ms
        self._kind: tuple[str, str | None] = (OFF, None)

    def take(self, one: Said, after: Said | None) -> bool:
        """Add a decision; `after` may cut it off. False: its time is taken."""
        before, begin_ms, end_ms = self._before, one.begin_ms, one.end_ms
        if before is None:
            self._start_ms = self._end_ms = min(begin_ms, self._start_ms)
        elif self._follows(before, one):
            begin_ms = self._end_ms
        elif end_ms < self._end_ms - _SLIP_MS:
            return False
        if after and after.run == one.run and after.state in _CUT_OFF:
            end_ms = max(min(end_ms, after.begin_ms), min(begin_ms, end_ms))
        self.fill(begin_ms, one)
        self._add(end_ms, one.state, one.what)
        self._before = one
        return True

    def fill(self, until_ms: int, one: Said | None) -> None:
        """Add what was between the last decision and the next, `one`."""
        before = self._before
        if before and one and one.run == before.run:
            kept = one.number == before.number + 1
            self._add(until_ms, "no_data" if kept else OFF, None)
            return
        if before and before.state == "no_data":
            self._add(min(until_ms, self._at_work_ms.get(before.run, 0)), "no_data", None)
        self._add(until_ms, OFF, None)

    def between(self, start_ms: int, end_ms: int) -> list[Piece]:
        """Return the pieces from start to end."""
        return [
            replace(piece, start_ms=max(piece.start_ms, start_ms), end_ms=min(piece.end_ms, end_ms))
            for piece in (*self._pieces, Piece(self._start_ms, self._end_ms, *self._kind))
            if piece.end_ms > start_ms and piece.start_ms < end_ms
        ]

    def _follows(self, before: Said, one: Said) -> bool:
        """Say whether on the sensor's clock one begins before the other ends."""
        if before.run != one.run or before.number + 1 != one.number:
            return False
        if before.end_s is None or one.start_s is None or one.end_s is None:
            return False
        slip_ms = one.end_ms - before.end_ms - 1000 * (one.end_s - before.end_s)
        return one.start_s <= before.end_s + 0.1 and abs(slip_ms) < _SLIP_MS

    def _add(self, end_ms: int, state: str, what: str | None) -> None:
        if end_ms <= self._end_ms:
            return
        if self._kind != (state, what):
            if self._end_ms > self._start_ms:
                self._pieces.append(Piece(self._start_ms, self._end_ms, *self._kind))
            self._start_ms, self._kind = self._end_ms, (state, what)
        self._end_ms = end_ms
