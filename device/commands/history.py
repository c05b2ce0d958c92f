"""`edgehar history`: writes decisions from the database as CSV or JSON lines."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from device.commands.days import database_of, day_of, db_option, moment_of
from device.commands.settings import config_option
from device.host.clock import utc_text
from firmware_bridge.errors import InputError


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar history --day yesterday --csv > yesterday.csv\n"
    "  edgehar history --from 2026-11-01 --to 2026-11-07 --json\n"
    "  edgehar history --from 2026-11-21T14:00 --to 2026-11-21T14:05"
)
@click.option("--day", metavar="DAY", help="YYYY-MM-DD, today or yesterday.  [default: today]")
@click.option("--from", "since", metavar="TIME", help="A day, or YYYY-MM-DDTHH:MM[:SS][+HH:MM].")
@click.option("--to", "until", metavar="TIME", help="As --from; a day is included to its end.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, with a header.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.  [default]")
@db_option
@config_option
def command(  # noqa: PLR0913, PLR0917 -- one argument an option
    day: str | None,
    since: str | None,
    until: str | None,
    as_csv: bool,
    as_json: bool,
    db: Path | None,
    config_path: Path | None,
) -> None:
    """Write the decisions of a day, or of any time span, to standard output.

    Days are those of the local time zone. A decision is as `run` made it, but its `time` (UTC) is
    corrected if the clock was set afterwards. `run` and `number` are its key in the database.
    """
    from device.history import query  # noqa: PLC0415 -- --help does not need them
    from device.history.zone import local_zone  # noqa: PLC0415

    if as_csv and as_json:
        raise InputError("give --csv or --json, not both")
    if day and (since or until):
        raise InputError("give --day, or --from and --to")
    db = database_of(db, config_path)
    start_ms, end_ms = _range_ms(day, since, until, local_zone())
    with closing(query.open_to_read(db)) as database:
        try:
            decisions = _decisions(query.read(database, start_ms, end_ms), start_ms, end_ms)
            first = list(islice(decisions, 1))
            if not first:
                text = "edgehar: no decision has a time in this time span; give --from and --to"
                click.echo(text, err=True)
            _write(chain(first, decisions), as_csv)
        except sqlite3.Error as error:
            raise InputError(f"cannot read {db}: {error}") from error
        except BrokenPipeError:
            return  # the reader has closed the pipe


def _range_ms(
    day: str | None, since: str | None, until: str | None, zone: tzinfo
) -> tuple[int, int]:
    from device.history.query import EVER_MS  # noqa: PLC0415
    from device.history.zone import bounds_ms, midnight_ms, to_ms  # noqa: PLC0415

    today = datetime.now(zone).date()
    if not since and not until:
        return bounds_ms(day_of(day or "today", today), zone)
    begin, end = (text and moment_of(text, today, zone) for text in (since, until))
    start_ms, end_ms = 0, EVER_MS
    if begin:
        start_ms = to_ms(begin) if isinstance(begin, datetime) else midnight_ms(begin, zone)
    if end:
        after = end if isinstance(end, datetime) else end + timedelta(days=1)
        end_ms = to_ms(after) if isinstance(after, datetime) else midnight_ms(after, zone)
    if start_ms >= end_ms:
        raise InputError(f"{since} is not before {until}")
    return start_ms, end_ms


def _decisions(
    rows: Iterator[tuple[int, sqlite3.Row]], start_ms: int, end_ms: int
) -> Iterator[dict[str, Any]]:
    for utc_ms, row in rows:
        if start_ms <= utc_ms < end_ms:
            time = utc_text(datetime.fromtimestamp(utc_ms / 1000, UTC))
            yield {**dict(row), "time": time}


def _write(decisions: Iterator[dict[str, Any]], as_csv: bool) -> None:
    if as_csv:
        import csv  # noqa: PLC0415

        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows([decision[name] for name in _COLUMNS] for decision in decisions)
    else:
        for decision in decisions:
            line = {name: decision[name] for name in _COLUMNS}
            line["probabilities"] = line["probabilities"] and json.loads(line["probabilities"])
            sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


_COLUMNS = (
    "run", "number", "start_s", "end_s", "time", "state", "activity", "reason", "confidence",
    "probabilities", "lost", "model",
)  # fmt: skip
