"""Reads the time span of `--last 5m` or `--from 14:05 --to 14:20`."""

import re
from datetime import datetime, time, timedelta, tzinfo

from device.commands.days import moment_of
from device.history.zone import midnight_ms, to_ms
from firmware_bridge.errors import InputError

LONGEST = timedelta(days=7)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def last(text: str) -> timedelta:
    """Read 90s, 5m or 1h. Raises InputError."""
    match = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
    length = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not timedelta() < length <= LONGEST:
        raise InputError(f"{text!r} is not a time; give 90s, 5m or 1h, 7 days at most")
    return length


def between(since: str, until: str | None, now: datetime) -> tuple[float, float]:
    """Read begin and end (None: now); return seconds since 1970. `now` has the local time zone.

    14:05 means the latest 14:05 that has passed. Raises InputError.
    """
    begin_s = _moment_s(since, now, ends=False)
    end_s = now.timestamp() if until is None else _moment_s(until, now, ends=True)
    if begin_s >= end_s:
        raise InputError(f"{since} is not before {until or 'now'}")
    if end_s > now.timestamp():
        raise InputError(f"{until} is in the future")
    if end_s - begin_s > LONGEST.total_seconds():
        raise InputError("the time span is over 7 days; label it in parts")
    return begin_s, end_s


def _moment_s(text: str, now: datetime, *, ends: bool) -> float:
    zone: tzinfo | None = now.tzinfo
    assert zone is not None  # noqa: S101 -- the caller sets it
    if re.fullmatch(r"\d\d:\d\d(:\d\d)?", text, re.ASCII):
        try:
            at = datetime.combine(now.date(), time.fromisoformat(text), zone)
        except ValueError as error:
            raise InputError(f"{text!r} is not a time of a day") from error
        if at > now:
            at = datetime.combine(now.date() - timedelta(days=1), time.fromisoformat(text), zone)
        return at.timestamp()
    try:
        moment = moment_of(text, now.date(), zone)
    except InputError as error:
        raise InputError(f"{text!r} is not a time; give 14:05 or 2026-11-21T14:05") from error
    if isinstance(moment, datetime):
        return to_ms(moment) / 1000
    return midnight_ms(moment + timedelta(days=ends), zone) / 1000
