"""Faults a played line can have, as written on the command line."""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from firmware_bridge.errors import InputError

RATES = ("drop", "flip", "duplicate", "reorder", "garbage")
"""Befall a share of the frames that carry samples, at most one each; hellos are spared."""

_RATE = re.compile(rf"({'|'.join(RATES)}):(\d+(?:\.\d+)?)%")
_PAUSE = re.compile(r"(stall|unplug):(\d+(?:\.\d+)?)s@(\d+(?:\.\d+)?)s")
_REBOOT = re.compile(r"(reboot)@(\d+(?:\.\d+)?)s")
_GARBAGE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens once, `at_s` seconds into the recording."""

    at_s: float
    kind: str
    """stall, unplug or reboot."""
    for_s: float = 0.0
    """How long: of the wall clock for a stall, of the recording for an unplug."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What shall go wrong."""

    rates: tuple[tuple[str, float], ...] = ()
    """Share of frames (0 to 1) by fault."""
    events: tuple[Event, ...] = ()
    """In the order of time."""

    def befall(self, rng: random.Random) -> str | None:
        """Return what happens to the next frame, None being the usual."""
        chance = rng.random()
        for fault, rate in self.rates:
            if chance < rate:
                return fault
            chance -= rate
        return None


def parse(specs: Iterable[str]) -> Faults:
    """Read drop:1% (or flip, duplicate, reorder, garbage), stall:3s@60s, unplug:3s@60s, reboot@90s.

    Raises InputError.
    """
    rates: dict[str, float] = {}
    events = []
    for spec in specs:
        if found := _RATE.fullmatch(spec):
            rates[found[1]] = rates.get(found[1], 0.0) + float(found[2]) / 100
        elif found := _PAUSE.fullmatch(spec):
            events.append(Event(float(found[3]), found[1], float(found[2])))
        elif found := _REBOOT.fullmatch(spec):
            events.append(Event(float(found[2]), found[1]))
        else:
            raise InputError(
                f"fault {spec!r} is none of {'|'.join(RATES)}:1%, stall:3s@60s, unplug:3s@60s,"
                " reboot@90s"
            )
    if sum(rates.values()) > 1:
        raise InputError("faults befall more than 100 % of the frames: lower their rates")
    events.sort(key=lambda event: event.at_s)
    unplugs = [event for event in events if event.kind == "unplug"]
    for first, second in pairwise(unplugs):
        if second.at_s < first.at_s + first.for_s:
            raise InputError(f"the unplug at {second.at_s} s begins before the one before it ends")
    return Faults(tuple(rates.items()), tuple(events))


def flip(frame: bytes, rng: random.Random) -> bytes:
    """Return `frame` with one bit between its delimiters turned, and no new delimiter made."""
    flipped = bytearray(frame)
    at = rng.randrange(1, len(frame) - 1)
    # A byte with a single bit set would become a delimiter and the frame two damaged ones.
    flipped[at] ^= rng.choice([1 << bit for bit in range(8) if frame[at] != 1 << bit])
    return bytes(flipped)


def garbage(rng: random.Random) -> bytes:
    """Return a few random bytes."""
    return rng.randbytes(rng.randint(1, _GARBAGE_BYTES))
