"""Turns the decisions of a day into pieces that fill it, and adds them up. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, pairwise

OFF = "off"
"""The daemon did not run, or its decisions were not stored. Decisions have the other states."""
_SLIP_MS = 5_000
"""Tolerated slip of dates against the sensor's clock while the clock fit is still inaccurate."""
_CUT_OFF = ("no_data", "warming_up")
"""States that end the decision before them, even if it claims a longer time."""


@dataclass(frozen=True, slots=True)
class DatedDecision:
    """The fields of a decision that a day needs."""

    run: int
    number: int
    start_s: float | None
    end_s: float | None
    """start_s and end_s are on the sensor's clock."""
    end_ms: int
    """Since 1970, corrected."""
    state: str
    what: str | None
    """The activity if ok, the reason if unknown."""

    @property
    def begin_ms(self) -> int:
        """Start of the window, since 1970."""
        if self.start_s is None or self.end_s is None:
            return self.end_ms
        return self.end_ms - round(1000 * (self.end_s - self.start_s))


@dataclass(frozen=True, slots=True)
class Piece:
    """A time span of one kind."""

    start_ms: int
    end_ms: int
    state: str
    what: str | None

    @property
    def ms(self) -> int:
        """Duration."""
        return self.end_ms - self.start_ms

    @property
    def kind(self) -> tuple[str, str | None]:
        """State, and activity or reason."""
        return self.state, self.what


def pieces(
    decisions: Iterable[DatedDecision], at_work_ms: Mapping[int, int], start_ms: int, end_ms: int
) -> tuple[list[Piece], int]:
    """Return pieces that fill the time from start to end without overlap.

    Decisions come in the order in which they were written; at_work_ms gives for each run the last
    time at which the daemon is known to have run. Also returns the number of misdated decisions:
    decisions dated in the time of earlier ones, which are left out because a clock was wrong.
    """
    if end_ms <= start_ms:
        return [], 0
    line, misdated = _Line(at_work_ms, start_ms), 0
    for one, after in pairwise(chain(decisions, (None,))):
        if one is not None and not line.take(one, after):
            misdated += 1
    line.fill(end_ms, None)
    return line.between(start_ms, end_ms), misdated


def totals(parts: Iterable[Piece]) -> dict[tuple[str, str | None], int]:
    """Return ms by kind (state, and activity or reason) of all pieces, short ones included."""
    sums: dict[tuple[str, str | None], int] = {}
    for piece in parts:
        sums[piece.kind] = sums.get(piece.kind, 0) + piece.ms
    return sums


class _Line:
    """Joins decisions to consecutive pieces."""

    def __init__(self, at_work_ms: Mapping[int, int], start_ms: int) -> None:
        self._pieces: list[Piece] = []
        self._at_work_ms = at_work_ms
        self._before: DatedDecision | None = None
        # The last piece, which later decisions may extend.
        self._start_ms = self._end_ms = start_ms
        self._kind: tuple[str, str | None] = (OFF, None)

    def take(self, one: DatedDecision, after: DatedDecision | None) -> bool:
        """Add a decision, cut off where `after` begins; return False if it is misdated."""
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

    def fill(self, until_ms: int, one: DatedDecision | None) -> None:
        """Fill the time between the last decision and `one` with `no_data` or OFF."""
        before = self._before
        if before and one and one.run == before.run:
            is_next = one.number == before.number + 1
            self._add(until_ms, "no_data" if is_next else OFF, None)
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

    def _follows(self, before: DatedDecision, one: DatedDecision) -> bool:
        """Return whether `one` continues `before` on the sensor's clock."""
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
