"""`edgehar report`: the figures that README and docs quote."""

from pathlib import Path

import click

from firmware_bridge.errors import EdgeharError
from train.commands.options import data_option, show_progress
from train.quiet import quiet_import

quick_option = click.option(
    "--quick", is_flag=True, help="One seed and two epochs, to see that it works; not kept."
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1), help="Fits at a time.  [default: one a core]"
)


@click.group(epilog="\b\nExample:\n  edgehar report uci --data ~/archives")
def report() -> None:
    """Make the results that README and docs quote, in results/, and their tables."""


@report.command(epilog="\b\nExample:\n  edgehar report uci --quick")
@quick_option
@data_option
def uci(data: Path, *, quick: bool) -> None:
    """Train the paper's network on UCI HAR with five seeds; test it as float and int8.

    Takes ten minutes on two cores; what is done is kept in runs/report, and not done again.
    """
    with quiet_import():
        from train.report import uci as subject  # noqa: PLC0415  TensorFlow takes seconds

    show_progress()
    click.echo(subject.report(data, quick=quick))


@report.command(epilog="\b\nExample:\n  edgehar report windows --data ~/archives")
@quick_option
@data_option
def windows(data: Path, *, quick: bool) -> None:
    """Compare the publisher's windows with our signal path over the raw recordings."""
    with quiet_import():
        from train.report import windows as subject  # noqa: PLC0415

    show_progress()
    click.echo(subject.report(data, quick=quick))


@report.command(epilog="\b\nExample:\n  edgehar report papers --quick")
@quick_option
@jobs_option
@data_option
def papers(data: Path, jobs: int | None, *, quick: bool) -> None:
    """Train every network of both papers, and what they compare with, five seeds each.

    Takes an hour and a half of one core; what is done is kept in runs/report, and not done again.
    """
    with quiet_import():
        from train.report import papers as subject  # noqa: PLC0415

    show_progress()
    click.echo(subject.report(data, quick=quick, workers=jobs))


@report.command(epilog="\b\nExample:\n  edgehar report flagship --quick")
@quick_option
@data_option
def flagship(data: Path, *, quick: bool) -> None:
    """Train the network of our own on UCI HAR's split, five seeds; test it as float and int8.

    Takes 20 minutes of one core; what is done is kept in runs/report, and not done again.
    """
    with quiet_import():
        from train.report import flagship as subject  # noqa: PLC0415

    show_progress()
    click.echo(subject.report(data, quick=quick))


@report.command(epilog="\b\nExample:\n  edgehar report wrist --quick")
@quick_option
@jobs_option
@data_option
def wrist(data: Path, *, quick: bool, jobs: int | None) -> None:
    """Leave people out, and leave whole data sets out, and test the wrist's model on them.

    Takes 20 minutes on two cores; what is done is kept in runs/report, and not done again.
    """
    with quiet_import():
        from train.report import wrist as subject  # noqa: PLC0415  TensorFlow takes seconds

    show_progress()
    click.echo(subject.report(data, quick=quick, workers=jobs))


@report.command(epilog="\b\nExample:\n  edgehar report replay --data ~/archives")
@click.option("--quick", is_flag=True, help="One recording, to see that it works; not kept.")
@data_option
def replay(data: Path, *, quick: bool) -> None:
    """Play raw recordings of the test people through a virtual line into a running daemon."""
    from train.report import replay as subject  # noqa: PLC0415  --help needs none of it

    click.echo(subject.report(data, quick=quick))


@report.command(epilog="\b\nExample:\n  edgehar report worn --data ~/archives")
@data_option
def worn(data: Path) -> None:
    """Look for `not_worn` where people wear the sensor, and on a simulated table."""
    with quiet_import():
        from train.report import worn as subject  # noqa: PLC0415  TensorFlow takes seconds

    click.echo(subject.report(data))


@report.command("body-acc", epilog="\b\nExample:\n  edgehar report body-acc --data ~/archives")
@data_option
def body_acc(data: Path) -> None:
    """Compare our causal body acceleration with UCI HAR's own, by activity."""
    from train.report import body_acc as subject  # noqa: PLC0415  seconds to import

    click.echo(subject.report(data))


@report.command(epilog="\b\nExample:\n  edgehar report conversion runs/waist")
@click.argument("run", metavar="RUN_FOLDER", type=click.Path(path_type=Path))
def conversion(run: Path) -> None:
    """Measure every form and both ways with the LSTM on each runtime: speed, size, agreement."""
    with quiet_import():
        from convert.form_comparison import measure  # noqa: PLC0415
        from train import results  # noqa: PLC0415
        from train.provenance import provenance  # noqa: PLC0415

    figures = measure(run)
    table = figures.pop("table")
    results.write("conversion", {**figures, **provenance()}, table["head"], table["rows"])
    click.echo(results.markdown(table["head"], table["rows"]))


@report.command(epilog="\b\nExample:\n  edgehar report readme --check")
@click.option("--check", is_flag=True, help="Only look; exit 1 if a page is out of date.")
def readme(*, check: bool) -> None:
    """Bring the tables of README.md and docs/ up to date with results/, and docs/CONFIG.md."""
    from train import results  # noqa: PLC0415

    stale = results.update_pages(check=check)
    if stale and check:
        pages = ", ".join(map(str, stale))
        raise EdgeharError(f"out of date: {pages}; run `edgehar report readme`")
