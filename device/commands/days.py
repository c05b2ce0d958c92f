"""Options of `history` and `report day`: the day and the database."""

from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

import click

from device.commands import settings
from device.config import paths
from firmware_bridge.errors import InputError

DEFAULT_DB = paths.STATE / paths.DATABASE

db_option = click.option(
    "--db", metavar="FILE", type=Path, help="The database that `run --sqlite` writes; it may be "
    f"running  [default: sinks.sqlite of the settings, else {DEFAULT_DB}].",
)  # fmt: skip


def database_of(db: Path | None, config_path: Path | None) -> Path:
    """Return the database named, else that of the settings, else the service's."""
    return db or settings.load(config_path).sqlite or DEFAULT_DB


def day_of(text: str, today: date) -> date:
    """Read YYYY-MM-DD, `today` or `yesterday`. Raises InputError."""
    if text in {"today", "yesterday"}:
        return today - timedelta(days=text == "yesterday")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # The days before and after must exist too, in any time zone.
    if day is None or not date(1, 1, 3) < day < date(9999, 12, 28):
        raise InputError(f"{text!r} is not a day; give YYYY-MM-DD, today or yesterday")
    return day


def moment_of(text: str, today: date, zone: tzinfo) -> date | datetime:
    """Read a day or a time such as 2026-11-21T14:30, local unless it names a time zone.

    Raises InputError.
    """
    try:
        return day_of(text, today)
    except InputError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a time; give YYYY-MM-DD, YYYY-MM-DDTHH:MM, today or yesterday"
        ) from error
    day_of(moment.date().isoformat(), today)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
