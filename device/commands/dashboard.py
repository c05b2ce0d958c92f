"""`edgehar dashboard`: serves a page with the daemon's decisions."""

import os
import signal
import sys
from pathlib import Path

import click

from device.commands import days
from device.commands.settings import config_option, settings_path
from device.config import checks
from device.config import load as configs
from device.history import query
from device.terminal.log import log_to_stderr
from firmware_bridge.errors import InputError

DEFAULT_LISTEN = ("127.0.0.1", 8780)
BELOW = 10
"""The niceness of the process, so that the daemon comes first."""


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar run --source serial:/dev/ttyUSB0 --sqlite decisions.db &\n"
    "  edgehar dashboard --db decisions.db\n"
    "  edgehar dashboard --config /etc/edgehar.toml\n"
    "\b\nSettings that let other machines reach the page:\n"
    "  [dashboard]\n"
    '  listen = "0.0.0.0:8780"\n'
    '  token_file = "/etc/edgehar/token"'
)
@config_option
@click.option("--db", metavar="FILE", type=Path, help="The database that `run --sqlite` writes "
              f"[default: sinks.sqlite of the settings, else {days.DEFAULT_DB}].")  # fmt: skip
@click.option("--listen", metavar="ADDRESS:PORT", help="Where to listen [default: 127.0.0.1:8780].")
def command(config_path: Path | None, db: Path | None, listen: str | None) -> None:
    """Serve a page: the activity now, today and in the last 30 days, and the sensor's state.

    It only reads. It may start, stop or crash at any time without an effect on the daemon.
    """
    from device.dashboard.guard import guard  # noqa: PLC0415 -- --help does not need them
    from device.dashboard.serve import serve  # noqa: PLC0415

    log_to_stderr()
    token_file, address = None, DEFAULT_LISTEN
    path = settings_path(config_path)
    if path is not None:
        settings = configs.load(path)
        token_file, address = settings.dashboard_token_file, settings.dashboard_listen or address
        db = db or settings.sqlite
        if db is None:
            raise InputError(f"{path} has no sinks.sqlite, and the dashboard shows that database")
    if listen is not None:
        try:
            address = checks.listen(listen)
        except checks.RefusedError as must:
            raise InputError(f"--listen must {must}, not {listen!r}") from must
    watcher = guard(address, token_file)
    os.nice(BELOW)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    db = db or days.DEFAULT_DB
    query.check_file(db)
    serve(address, watcher, db)
