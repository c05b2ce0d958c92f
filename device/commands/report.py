"""`edgehar report`: shows a day; with the extra `train`, makes the README's tables too."""

import sqlite3
from contextlib import closing
from datetime import datetime
from importlib import import_module
from pathlib import Path

import click

from device.commands.days import database_of, day_of, db_option
from device.commands.settings import config_option
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_whole

_TRAINING = "train.commands"


class _Report(click.Group):
    """The command `day`, and those that `train.commands` adds."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        try:
            return [*super().list_commands(ctx), *_training().list_commands(ctx)]
        except ModuleNotFoundError:
            return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _training().get_command(ctx, cmd_name)


def _training() -> click.Group:
    # Imported by name, because device must not depend on train.
    group = import_module(_TRAINING).report
    if not isinstance(group, click.Group):
        raise TypeError(f"{_TRAINING}.report is not a click group")
    return group


@click.group(cls=_Report, epilog="\b\nExample:\n  edgehar report day --out today.svg")
def report() -> None:
    """Show a day of the wearer, or make the tables and pictures of the README."""


@report.command(
    epilog="\b\nExamples:\n"
    "  edgehar report day\n"
    "  edgehar report day --day yesterday --out yesterday.svg"
)
@click.option("--day", "text", metavar="DAY", default="today", show_default=True,
              help="YYYY-MM-DD, today or yesterday.")  # fmt: skip
@click.option("--out", metavar="FILE.svg", type=Path, help="Write the picture to a file, too.")
@db_option
@config_option
def day(text: str, out: Path | None, db: Path | None, config_path: Path | None) -> None:
    """Show a day's activities: a picture and a table in the terminal.

    A day is that of the local time zone. Time that is unknown, without data, not worn or warming
    up never counts as an activity.
    """
    from device.history import query, read_day, table  # noqa: PLC0415 -- --help needs none of it
    from device.history.picture import svg  # noqa: PLC0415
    from device.history.zone import local_zone, to_ms  # noqa: PLC0415

    if out is not None and out.suffix != ".svg":
        raise InputError(f"{out} is not an .svg file; give a name that ends in .svg")
    db = database_of(db, config_path)
    now = datetime.now(zone := local_zone())
    with closing(query.open_to_read(db)) as database:
        try:
            content = read_day.read(database, day_of(text, now.date()), zone, to_ms(now))
        except sqlite3.Error as error:
            raise InputError(f"cannot read {db}: {error}") from error
    table.show(content)
    if out is not None:
        write_whole(out, svg(content).encode())
        click.echo(f"\nwritten: {out}")
