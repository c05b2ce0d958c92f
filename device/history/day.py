"""A day out of its decisions: what it was made of, piece by piece, in bouts and in all. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

OFF = "off"
"""The daemon did not run, or what it said was not kept. All other states are a decision's."""
FLICKER_MS = 10_000
"""Eight windows: less than this is no bout of anything."""
MINUTE_MS = 60_000
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


@dataclass(frozen=True, slots=True)
class Bout:
    """A stretch of one kind, with what flickered in it."""

    start_ms: int
    end_ms: int
    state: str
    what: str | None
    own_ms: int
    """Of the kind itself."""

    @property
    def ms(self) -> int:
        """From start to end."""
        return self.end_ms - self.start_ms


def pieces(
    said: Sequence[Said], at_work_ms: Mapping[int, int], start_ms: int, end_ms: int
) -> tuple[list[Piece], int]:
    """Return pieces that fill the time from start to end, each second in one of them.

    Decisions come in the order in which they were written; at_work_ms says by run until when the
    daemon is known to have been at work. Also returned: how many decisions are dated in a time
    that earlier ones have; they are left out, for one clock or the other was wrong.
    """
    if end_ms <= start_ms:
        return [], 0
    line, misdated = _Line(at_work_ms), 0
    for one, after in pairwise([*said, None]):
        if one is not None and not line.take(one, after):
            misdated += 1
    line.fill(end_ms, None)
    found = list(_clipped(line.pieces, start_ms, end_ms))
    begun_ms = found[0].start_ms if found else end_ms
    if begun_ms > start_ms:
        found = list(_merged([Piece(start_ms, begun_ms, OFF, None), *found]))
    return found, misdated


def totals(found: Iterable[Piece]) -> dict[tuple[str, str | None], int]:
    """Return ms by kind (state, and activity or reason), of every piece however short."""
    sums: dict[tuple[str, str | None], int] = {}
    for piece in found:
        sums[piece.kind] = sums.get(piece.kind, 0) + piece.ms
    return sums


def bouts(found: Sequence[Piece], least_ms: int) -> list[Bout]:
    """Return what lasted: stretches of least_ms or more, first to last.

    First what is shorter than FLICKER_MS is passed over, and stretches of a kind join that have
    no more than that between them; then the same with least_ms. What is between counts as nothing
    but what it was: a bout's own_ms leaves it out.
    """
    spans = _lasting(_lasting(found, FLICKER_MS), least_ms)
    return [
        Bout(span.start_ms, span.end_ms, span.state, span.what, _own_ms(span, found))
        for span in spans
    ]


def _own_ms(span: Piece, found: Sequence[Piece]) -> int:
    inside = (one for one in found if span.start_ms <= one.start_ms and one.end_ms <= span.end_ms)
    return sum(one.ms for one in inside if one.kind == span.kind)


def _lasting(found: Iterable[Piece], least_ms: int) -> list[Piece]:
    spans: list[Piece] = []
    for piece in found:
        if piece.ms < least_ms:
            continue
        last = spans[-1] if spans else None
        if last and last.kind == piece.kind and piece.start_ms - last.end_ms <= least_ms:
            spans[-1] = replace(last, end_ms=piece.end_ms)
        else:
            spans.append(piece)
    return spans


class _Line:
    """Pieces one behind another."""

    def __init__(self, at_work_ms: Mapping[int, int]) -> None:
        self.pieces: list[Piece] = []
        self._at_work_ms = at_work_ms
        self._before: Said | None = None
        self._end_ms = 0

    def take(self, one: Said, after: Said | None) -> bool:
        """Add a decision; `after` may cut it off. False: its time is taken."""
        before, begin_ms, end_ms = self._before, one.begin_ms, one.end_ms
        if before is None:
            self._end_ms = begin_ms
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
        if before is None:
            return
        if one is not None and one.run == before.run:
            kept = one.number == before.number + 1
            self._add(until_ms, "no_data" if kept else OFF, None)
            return
        if before.state == "no_data":
            self._add(min(until_ms, self._at_work_ms.get(before.run, 0)), "no_data", None)
        self._add(until_ms, OFF, None)

    def _follows(self, before: Said, one: Said) -> bool:
        """Say whether on the sensor's clock one begins before the other ends."""
        if before.run != one.run or before.number + 1 != one.number:
            return False
        if before.end_s is None or one.start_s is None or one.end_s is None:
            return False
        slip_ms = one.end_ms - before.end_ms - 1000 * (one.end_s - before.end_s)
        return one.start_s <= before.end_s + 0.1 and abs(slip_ms) < _SLIP_MS

    def _add(self, end_ms: int, state: str, what: str | None) -> None:
        if end_ms > self._end_ms:
            self.pieces.append(Piece(self._end_ms, end_ms, state, what))
            self._end_ms = end_ms


def _clipped(found: Iterable[Piece], start_ms: int, end_ms: int) -> Iterable[Piece]:
    inside = (
        replace(piece, start_ms=max(piece.start_ms, start_ms), end_ms=min(piece.end_ms, end_ms))
        for piece in found
        if piece.end_ms > start_ms and piece.start_ms < end_ms
    )
    return _merged(inside)


def _merged(found: Iterable[Piece]) -> Iterable[Piece]:
    last: Piece | None = None
    for piece in found:
        if last is not None and last.kind == piece.kind:
            last = replace(last, end_ms=piece.end_ms)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last
