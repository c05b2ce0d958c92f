"""The bouts of a day: activities that last, with short interruptions bridged. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from device.history.day import Piece

FLICKER_MS = 10_000
"""Eight windows: a shorter piece is never a bout."""
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Bout(Piece):
    """A time span of one kind, with the short interruptions that were bridged."""

    own_ms: int
    """Time of the kind itself, without the interruptions."""


def bouts(pieces: Sequence[Piece], least_ms: int) -> list[Bout]:
    """Return the bouts of least_ms or longer, first to last.

    Two passes: pieces shorter than FLICKER_MS are ignored, and pieces of one kind that are no
    further apart than that are joined; then the same with least_ms. own_ms excludes what is
    between the joined pieces.
    """
    spans = _lasting(_lasting(pieces, FLICKER_MS), least_ms)
    return [
        Bout(span.start_ms, span.end_ms, span.state, span.what, _own_ms(span, pieces))
        for span in spans
    ]


def _own_ms(span: Piece, pieces: Sequence[Piece]) -> int:
    inside = (one for one in pieces if span.start_ms <= one.start_ms and one.end_ms <= span.end_ms)
    return sum(one.ms for one in inside if one.kind == span.kind)


def _lasting(pieces: Iterable[Piece], least_ms: int) -> list[Piece]:
    spans: list[Piece] = []
    for piece in pieces:
        if piece.ms < least_ms:
            continue
        last = spans[-1] if spans else None
        if last and last.kind == piece.kind and piece.start_ms - last.end_ms <= least_ms:
            spans[-1] = replace(last, end_ms=piece.end_ms)
        else:
            spans.append(piece)
    return spans
