"""Converts between UTC and the times of raw samples, which are in seconds since a boot.

Nobody can set the time since the boot. The time of the boot itself comes from the last reading of
the host's clock in that boot, because the last setting is the right one (docs/HISTORY.md).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from device.host.clock import Reading, stepped
from device.labels.chunk import Chunk


@dataclass(frozen=True, slots=True)
class Boot:
    """Time span of the raw samples of one boot, in seconds since the boot."""

    first_s: float
    last_s: float
    offset_s: float
    """Time of the boot, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time span within one boot."""

    boot: bytes
    from_s: float
    until_s: float
    """Seconds since that boot; until_s is exclusive."""
    offset_s: float
    """Time of the boot, seconds since 1970."""


def boots(chunks: Iterable[Chunk]) -> dict[bytes, Boot]:
    """Return the time span of the samples of each boot, in the order of the boots."""
    by_name: dict[bytes, Boot] = {}
    for chunk in chunks:
        before = by_name.pop(chunk.boot, None)  # removed, so that the boot is added as the last
        first_s = before.first_s if before else chunk.start_s
        by_name[chunk.boot] = Boot(first_s, chunk.end_s, chunk.offset_s)
    return by_name


def up_to(now: Reading, by_name: dict[bytes, Boot]) -> dict[bytes, Boot]:
    """Return the boots with the current one, if its name is known, as the last and until now."""
    name, first_s = now.boot_bytes, 0.0
    if name is None:
        return by_name
    if name not in by_name:
        # The daemon runs in a container or a sandbox that hides the name of the boot: a boot with
        # the same time is the same boot.
        for other, boot in by_name.items():
            if not stepped(boot.offset_s, now):
                name, first_s = other, boot.first_s
    others = {other: boot for other, boot in by_name.items() if other != name}
    return {**others, name: Boot(first_s, now.boot_s, now.offset_s)}


def spans(known: dict[bytes, Boot], from_utc_s: float, until_utc_s: float) -> list[Span]:
    """Return the spans of all boots within a time, seconds since 1970.

    If two boots claim the same time, a clock was wrong, and the later boot wins.
    """
    parts = [(from_utc_s, until_utc_s)]
    within: list[Span] = []
    for name, boot in reversed(known.items()):
        begin_s, end_s = boot.offset_s + boot.first_s, boot.offset_s + boot.last_s
        # The last sample of a boot is inclusive.
        within += [
            Span(name, start_s - boot.offset_s, stop_s - boot.offset_s, boot.offset_s)
            for start_s, stop_s in parts
            if start_s <= end_s and begin_s < stop_s
        ]
        parts = [piece for part in parts for piece in _without(part, begin_s, end_s)]
    return within[::-1]


def _without(
    part: tuple[float, float], begin_s: float, end_s: float
) -> Iterator[tuple[float, float]]:
    for start_s, stop_s in ((part[0], min(part[1], begin_s)), (max(part[0], end_s), part[1])):
        if start_s < stop_s:
            yield start_s, stop_s
