"""What of a day lasted, where short flickers are passed over but never counted in. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from device.history.day import Piece

FLICKER_MS = 10_000
"""Eight windows: less than this is no bout of anything."""
MINUTE_MS = 60_000


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
