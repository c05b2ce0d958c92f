"""The time span of `--last 5m`, or of `--from 14:05 --to 14:20`."""

import re
from datetime import datetime, time, timedelta, tzinfo

from device.commands.days import moment_of
from device.history.zone import midnight_ms, to_ms
from firmware_bridge.errors import InputError

LONGEST = timedelta(days=7)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def last(text: str) -> timedelta:
    """Read 90s, 5m or 1h. Raises InputError."""
    found = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < length <= LONGEST:
        raise InputError(f"{text!r} is no time; give one such as 90s, 5m or 1h, of 7 days at most")
    return length


def between(since: str, until: str | None, now: datetime) -> tuple[float, float]:
    """Read when it began and ended (None: now), in seconds since 1970; `now` has the local zone.

    14:05 is the latest one that has been. Raises InputError.
    """
    begin_s = _moment_s(since, now, ends=False)
    end_s = now.timestamp() if until is None else _moment_s(until, now, ends=True)
    if begin_s >= end_s:
        raise InputError(f"{since} is not before {until or 'now'}")
    if end_s > now.timestamp():
        raise InputError(f"{until} has not been yet")
    if end_s - begin_s > LONGEST.total_seconds():
        raise InputError("that is more than 7 days; label it in parts")
    return begin_s, end_s


def _moment_s(text: str, now: datetime, *, ends: bool) -> float:
    zone: tzinfo | None = now.tzinfo
    assert zone is not None  # noqa: S101 -- who calls says which
    if re.fullmatch(r"\d\d:\d\d(:\d\d)?", text, re.ASCII):
        try:
            at = datetime.combine(now.date(), time.fromisoformat(text), zone)
        except ValueError as error:
            raise InputError(f"{text!r} is no time of a day") from error
        if at > now:
            at = datetime.combine(now.date() - timedelta(days=1), time.fromisoformat(text), zone)
        return at.timestamp()
    try:
        found = moment_of(text, now.date(), zone)
    except InputError as error:
        raise InputError(f"{text!r} is no time; give 14:05 or 2026-11-21T14:05") from error
    if isinstance(found, datetime):
        return to_ms(found) / 1000
    return midnight_ms(found + timedelta(days=ends), zone) / 1000
