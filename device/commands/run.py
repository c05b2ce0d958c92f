"""`edgehar run`: runs the daemon."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from device.commands.settings import config_option, settings_path
from device.config import load as configs
from device.daemon import build
from device.terminal.log import log_to_stderr
from firmware_bridge.whole_file import write_json


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar run --source serial:/dev/ttyUSB0\n"
    "  edgehar run --source i2c:1:0x68\n"
    "  edgehar run --config /etc/edgehar.toml --sqlite decisions.db\n"
    "\b\nA settings file (docs/CONFIG.md names every key):\n"
    "  [source]\n"
    '  uri = "serial:/dev/ttyUSB0"\n'
    "  [sinks]\n"
    '  sqlite = "/var/lib/edgehar/decisions.db"'
)
@config_option
@click.option("--source", metavar="SOURCE", help="serial:PORT[?baud=N], "
              "i2c:BUS[:ADDRESS][?rate=50|100|200] or recording:FILE.")  # fmt: skip
@click.option("--model", metavar="NAME|FILE", help="A shipped model's name, or a bundle "
              "[default: the active one of `edgehar models`].")  # fmt: skip
@click.option("--sqlite", metavar="FILE", type=Path, help="Write decisions to a database too.")
@click.option("--calibration", metavar="FILE", type=Path, help="The sensor's constant errors, from"
              " `edgehar calibrate`.")  # fmt: skip
@click.option("--state", metavar="FILE", type=Path, help="Keep the estimated mounting for the next "
              "start [default: orientation.json in $STATE_DIRECTORY, if set].")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write JSON lines to a terminal, too.")
@click.option("--report", metavar="FILE", type=Path, help="Write a JSON summary on exit.")
def command(  # noqa: PLR0913, PLR0917 -- one argument an option
    config_path: Path | None,
    source: str | None,
    model: str | None,
    sqlite: Path | None,
    calibration: Path | None,
    state: Path | None,
    report: Path | None,
    *,
    as_json: bool,
) -> None:
    """Classify a sensor's samples, live, until SIGTERM or Ctrl-C.

    Decisions go to standard output: to a terminal as a live view, else as JSON lines. Events and
    losses go to standard error. Options override the settings file.
    """
    show = None
    if sys.stdout.isatty() and not as_json:
        from device.terminal.watch import source_view  # noqa: PLC0415 -- rich, for a terminal only

        show = source_view
    # The live view replaces sys.stderr, and prints above itself what is written there.
    log_to_stderr((lambda line: print(line, file=sys.stderr)) if show else None)
    path = settings_path(config_path)

    def settings() -> configs.Config:
        config = configs.load(path) if path else configs.Config()
        return replace(
            config,
            source=configs.parse_source(source) if source else config.source,
            model=model or config.model,
            sqlite=sqlite or config.sqlite,
            calibration=calibration or config.calibration,
            state=state or config.state,
        )

    result = build.run(settings, show)
    if report is not None:
        write_json(report, result)
