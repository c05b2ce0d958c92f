"""Faults of a played line, as written on the command line."""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from firmware_bridge.errors import InputError

RATES = ("drop", "flip", "duplicate", "reorder", "garbage")
"""Each hits a share of the frames with samples, at most one fault a frame; never a hello."""

_RATE = re.compile(rf"({'|'.join(RATES)}):(\d+(?:\.\d+)?)%")
_PAUSE = re.compile(r"(stall|unplug):(\d+(?:\.\d+)?)s@(\d+(?:\.\d+)?)s")
_REBOOT = re.compile(r"(reboot)@(\d+(?:\.\d+)?)s")


@dataclass(frozen=True, slots=True)
class Event:
    """A fault that occurs once, `at_s` seconds into the recording."""

    at_s: float
    kind: str
    """stall, unplug or reboot."""
    for_s: float = 0.0
    """Duration: wall-clock time for a stall, time of the recording for an unplug."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults to simulate."""

    rates: tuple[tuple[str, float], ...] = ()
    """Share of frames (0 to 1) by fault."""
    events: tuple[Event, ...] = ()
    """Sorted by time."""

    def draw(self, rng: random.Random) -> str | None:
        """Return the next frame's fault, usually None."""
        chance = rng.random()
        for fault, rate in self.rates:
            if chance < rate:
                return fault
            chance -= rate
        return None


def parse(specs: Iterable[str]) -> Faults:
    """Parse drop:1% (or another of RATES), stall:3s@60s, unplug:3s@60s, reboot@90s.

    Raises InputError.
    """
    rates: dict[str, float] = {}
    events = []
    for spec in specs:
        if match := _RATE.fullmatch(spec):
            rates[match[1]] = rates.get(match[1], 0.0) + float(match[2]) / 100
        elif match := _PAUSE.fullmatch(spec):
            events.append(Event(float(match[3]), match[1], float(match[2])))
        elif match := _REBOOT.fullmatch(spec):
            events.append(Event(float(match[2]), match[1]))
        else:
            raise InputError(
                f"fault {spec!r} is none of {'|'.join(RATES)}:1%, stall:3s@60s, unplug:3s@60s,"
                " reboot@90s"
            )
    if sum(rates.values()) > 1:
        raise InputError("faults hit more than 100 % of the frames: lower their rates")
    events.sort(key=lambda event: event.at_s)
    unplugs = [event for event in events if event.kind == "unplug"]
    for first, second in pairwise(unplugs):
        if second.at_s < first.at_s + first.for_s:
            raise InputError(f"the unplug at {second.at_s} s begins before the previous one ends")
    return Faults(tuple(rates.items()), tuple(events))


def flip(frame: bytes, rng: random.Random) -> bytes:
    """Return `frame` with one flipped bit between its delimiters, and no new delimiter."""
    flipped = bytearray(frame)
    at = rng.randrange(1, len(frame) - 1)
    # Clearing a byte's only bit would make a delimiter, and so two damaged frames.
    flipped[at] ^= rng.choice([1 << bit for bit in range(8) if frame[at] != 1 << bit])
    return bytes(flipped)


def garbage(rng: random.Random) -> bytes:
    """Return 1 to 64 random bytes."""
    return rng.randbytes(rng.randint(1, 64))
