"""The times of raw samples, by the host's clock as it is set now.

Chunks are dated by the time since the boot, which nobody sets; the moment of the boot is what the
clock said last in that boot, for it was set right only then (docs/HISTORY.md).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from device.host.clock import Reading, stepped
from device.labels.chunk import Chunk


@dataclass(frozen=True, slots=True)
class Boot:
    """The raw samples' time span in one boot, in seconds since the boot."""

    first_s: float
    last_s: float
    offset_s: float
    """Its moment, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time within one boot."""

    boot: bytes
    from_s: float
    until_s: float
    """Seconds since that boot, this one not included."""
    offset_s: float
    """Its moment, seconds since 1970."""


def boots(chunks: Iterable[Chunk]) -> dict[bytes, Boot]:
    """Return what there is of each boot, in the order in which they were."""
    found: dict[bytes, Boot] = {}
    for chunk in chunks:
        before = found.pop(chunk.boot, None)  # so that it comes last
        first_s = before.first_s if before else chunk.start_s
        found[chunk.boot] = Boot(first_s, chunk.end_s, chunk.offset_s)
    return found


def up_to(now: Reading, found: dict[bytes, Boot]) -> dict[bytes, Boot]:
    """Return them with the boot that runs, if it is told, last and from its moment until now."""
    name, first_s = now.boot_bytes, 0.0
    if name is None:
        return found
    if name not in found:
        # A container, or a sandbox that hides the name: the same boot is that of the same moment.
        for boot, known in found.items():
            if not stepped(known.offset_s, now):
                name, first_s = boot, known.first_s
    others = {boot: known for boot, known in found.items() if boot != name}
    return {**others, name: Boot(first_s, now.boot_s, now.offset_s)}


def spans(known: dict[bytes, Boot], from_utc_s: float, until_utc_s: float) -> list[Span]:
    """Return what of each boot was from one time to the other.

    What a boot has dated in the time of a later one is left out: one clock or the other was wrong,
    and of what was done last nobody doubts when it was.
    """
    parts = [(from_utc_s, until_utc_s)]
    found = []
    for name, boot in reversed(known.items()):
        begin_s, end_s = boot.offset_s + boot.first_s, boot.offset_s + boot.last_s
        # Its samples were taken up to and with the last.
        found += [
            Span(name, start_s - boot.offset_s, stop_s - boot.offset_s, boot.offset_s)
            for start_s, stop_s in parts
            if start_s <= end_s and begin_s < stop_s
        ]
        parts = [piece for part in parts for piece in _without(part, begin_s, end_s)]
    return found[::-1]


def _without(
    part: tuple[float, float], begin_s: float, end_s: float
) -> Iterator[tuple[float, float]]:
    for start_s, stop_s in ((part[0], min(part[1], begin_s)), (max(part[0], end_s), part[1])):
        if start_s < stop_s:
            yield start_s, stop_s
