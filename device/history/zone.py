"""Local days: from midnight to midnight in the wearer's time zone, 23 to 25 hours."""

import os
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from firmware_bridge.errors import InputError

_LOCAL = Path("/etc/localtime")


def local_zone() -> tzinfo:
    """Return the time zone of TZ, else of the host, else UTC. Raises InputError."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        if name:
            return ZoneInfo(name)
        with _LOCAL.open("rb") as file:
            return ZoneInfo.from_file(file)
    except FileNotFoundError:
        return UTC
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"the time zone {name or _LOCAL} is unknown; set TZ, for example TZ=Europe/Berlin"
        ) from error


def bounds_ms(day: date, zone: tzinfo) -> tuple[int, int]:
    """Return the start and the end of a local day, in ms since 1970.

    They are equal for a day that the zone skipped when it moved across the date line.
    """
    return midnight_ms(day, zone), midnight_ms(day + timedelta(days=1), zone)


def midnight_ms(day: date, zone: tzinfo) -> int:
    """Return the start of a local day, in ms since 1970."""
    return to_ms(datetime.combine(day, time(), zone))


def to_ms(moment: datetime) -> int:
    """Return ms since 1970 of a datetime with a time zone."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_local(utc_ms: int, zone: tzinfo) -> datetime:
    """Return the local date and time of ms since 1970; raises OverflowError beyond year 9999."""
    return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(zone)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
