"""The host's clock, which may be wrong and set right later, beside the time since boot.

Between boots nobody sets the time since boot, and NTP slews both alike (clock_gettime(2)), so what
is between the two changes only when somebody sets the clock.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

STEP_S = 0.25
"""A smaller difference is no step: NTP clients slew below 0.4 s (systemd-timesyncd) or more."""
MARK_EVERY_S = 900.0
"""The clock is noted in the history so often, and when it has been set."""
_TRIES = 3
_TIGHT_S = 0.001
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment."""

    boot: str | None
    """The kernel's name of this boot; None where it is not told."""
    boot_s: float
    """Seconds since the boot, with those asleep."""
    utc_s: float
    """Seconds since 1970, by the clock as it stands."""

    @property
    def boot_bytes(self) -> bytes | None:
        """The 16 bytes that `boot` writes as text."""
        return None if self.boot is None else bytes.fromhex(self.boot.replace("-", ""))

    @property
    def offset_s(self) -> float:
        """The moment of the boot by this clock, seconds since 1970."""
        return self.utc_s - self.boot_s


def stepped(offset_s: float, reading: Reading) -> bool:
    """Say whether the clock has been set since it had this offset."""
    return abs(reading.offset_s - offset_s) > STEP_S


def read() -> Reading:
    """Read both; again if something came between."""
    found: list[tuple[float, Reading]] = []
    for _ in range(_TRIES):
        before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        utc_s = time.time()
        took_s = time.clock_gettime(time.CLOCK_BOOTTIME) - before_s
        found.append((took_s, Reading(boot_id(), before_s + took_s / 2, utc_s)))
        if took_s < _TIGHT_S:
            break
    return min(found, key=lambda one: one[0])[1]


def utc_text(date: datetime, timespec: str = "milliseconds") -> str:
    """Return a UTC date as ISO 8601 text that ends in Z."""
    return date.isoformat(timespec=timespec).replace("+00:00", "Z")


@cache
def boot_id() -> str | None:
    """Return the kernel's identifier of this boot; None if the kernel does not tell it."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # a sandbox with ProcSubset=pid
        return None
