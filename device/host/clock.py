"""The host's clock, which may be wrong and be set later, together with the time since boot.

The time since boot cannot be set, and NTP slews both clocks alike (clock_gettime(2)). So their
difference changes only when somebody sets the clock.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

STEP_S = 0.25
"""A smaller difference is no step: NTP clients slew up to 0.4 s (systemd-timesyncd) or more."""
MARK_EVERY_S = 900.0
"""Interval at which the history notes the clock; it also does when the clock was set."""
_TRIES = 3
_TIGHT_S = 0.001
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment."""

    boot: str | None
    """The kernel's identifier of this boot; None if unknown."""
    boot_s: float
    """Seconds since the boot, with time asleep."""
    utc_s: float
    """Seconds since 1970, by the clock, right or wrong."""

    @property
    def boot_bytes(self) -> bytes | None:
        """`boot` as 16 bytes."""
        return None if self.boot is None else bytes.fromhex(self.boot.replace("-", ""))

    @property
    def offset_s(self) -> float:
        """The time of the boot by this clock, seconds since 1970."""
        return self.utc_s - self.boot_s


def stepped(offset_s: float, reading: Reading) -> bool:
    """Return whether the clock has been set since it had this offset."""
    return abs(reading.offset_s - offset_s) > STEP_S


def read() -> Reading:
    """Read both clocks; repeat if the process was interrupted between them."""
    readings: list[tuple[float, Reading]] = []
    for _ in range(_TRIES):
        before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        utc_s = time.time()
        took_s = time.clock_gettime(time.CLOCK_BOOTTIME) - before_s
        readings.append((took_s, Reading(boot_id(), before_s + took_s / 2, utc_s)))
        if took_s < _TIGHT_S:
            break
    return min(readings, key=lambda one: one[0])[1]


def utc_text(date: datetime, timespec: str = "milliseconds") -> str:
    """Return a UTC date as ISO 8601 text that ends in Z."""
    return date.isoformat(timespec=timespec).replace("+00:00", "Z")


@cache
def boot_id() -> str | None:
    """Return the kernel's identifier of this boot; None if it cannot be read."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # a sandbox with ProcSubset=pid
        return None
