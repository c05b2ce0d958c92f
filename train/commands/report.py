"""`edgehar report`: makes the results in results/ and the tables of README and docs."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from firmware_bridge.errors import EdgeharError
from train.commands.options import data_option, show_progress
from train.fitting.quiet_import import quiet_import

Decorator = Callable[[Any], Any]
quick_option = click.option(
    "--quick", is_flag=True, help="Short trial with one seed and few epochs; writes no results."
)
jobs_option = click.option(
    "--jobs", "workers", type=click.IntRange(1), help="Fits side by side.  [default: all cores]"
)


@click.group(epilog="\b\nExample:\n  edgehar report uci --data ~/archives")
def report() -> None:
    """Make the results in results/ and the tables of README and docs."""


def _add(name: str, text: str, *options: Decorator, module: str | None = None) -> None:
    """Add a subcommand that prints the text from the function `report` of train.report.MODULE."""

    def run(data: Path, **arguments: Any) -> None:
        with quiet_import():
            subject = import_module(f"train.report.{module or name}")
        show_progress()
        click.echo(subject.report(data, **arguments))

    for option in (*options, data_option):
        run = option(run)
    argument = "--quick" if quick_option in options else "--data ~/archives"
    epilog = f"\b\nExample:\n  edgehar report {name} {argument}"
    report.command(name, help=text, epilog=epilog)(run)


_add(
    "uci",
    """Train the first paper's network on UCI HAR with five seeds; test it as float and int8.

    Takes ten minutes on two cores. Finished fits are stored in runs/report and used again.
    """,
    quick_option,
)
_add(
    "windows",
    "Compare the publisher's windows with windows that our signal path cuts from raw recordings.",
    quick_option,
)
_add(
    "papers",
    """Train all networks and classifiers of both papers with five seeds each.

    Takes an hour and a half on one core. Finished fits are stored in runs/report and used again.
    """,
    quick_option,
    jobs_option,
)
_add(
    "flagship",
    """Train our own network on UCI HAR's split with five seeds; test it as float and int8.

    Takes 20 minutes on one core. Finished fits are stored in runs/report and used again.
    """,
    quick_option,
)
_add(
    "wrist",
    """Test the wrist model on people and on whole data sets that are left out of training.

    Takes 20 minutes on two cores. Finished fits are stored in runs/report and used again.
    """,
    quick_option,
    jobs_option,
)
_add(
    "replay",
    "Play recordings of the test people through a virtual serial line into a running daemon.",
    click.option("--quick", is_flag=True, help="Play one recording only; writes no results."),
)
_add(
    "worn",
    "Count false `not_worn` decisions for worn sensors; test a simulated sensor on a table.",
    module="nonwear",
)
_add(
    "body-acc",
    "Compare our causal body acceleration with UCI HAR's body acceleration, by activity.",
    module="body_acc",
)


@report.command(epilog="\b\nExample:\n  edgehar report conversion runs/waist")
@click.argument("run", metavar="RUN_FOLDER", type=click.Path(path_type=Path))
def conversion(run: Path) -> None:
    """Measure speed, size and agreement of each model form and LSTM form on each runtime."""
    with quiet_import():
        from convert.form_comparison import measure  # noqa: PLC0415
        from train.results import pages  # noqa: PLC0415
        from train.results.provenance import provenance  # noqa: PLC0415

    figures = measure(run)
    table = figures.pop("table")
    pages.write("conversion", {**figures, **provenance()}, table["head"], table["rows"])
    click.echo(pages.markdown(table["head"], table["rows"]))


@report.command(epilog="\b\nExample:\n  edgehar report readme --check")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a page is out of date.")
def readme(*, check: bool) -> None:
    """Update docs/CONFIG.md, and the tables of README.md and docs/ from results/."""
    from train.results import pages  # noqa: PLC0415

    stale = pages.update_pages(check=check)
    if stale and check:
        names = ", ".join(map(str, stale))
        raise EdgeharError(f"out of date: {names}; run `edgehar report readme`")
