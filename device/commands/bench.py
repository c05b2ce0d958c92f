"""`edgehar bench`: this machine against the budgets, as a table and as JSON."""

from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from device import bench
from device.bench import compute, processes, training
from device.commands import options
from firmware_bridge.whole_file import write_json

ITEMS: dict[str, bench.Item] = {
    "signal": compute.signal_path,
    "decode": compute.decoding,
    "inference": compute.inference,
    "help": processes.help_text,
    "ready": processes.ready,
    "live": processes.live,
    "latency": processes.latency,
    "day": processes.day,
    "train": training.training,
}


@click.command(
    epilog="\b\nItems:\n  " + ", ".join(ITEMS) + "\n"
    "\b\nExamples:\n  edgehar bench --out bench.json\n  edgehar bench signal decode --runs 9"
)
@click.argument("items", metavar="[ITEM]...", nargs=-1, type=click.Choice(list(ITEMS)))
@click.option("--model", metavar="NAME|FILE", help="A shipped model's name, or a bundle.")
@click.option("--runs", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--out", metavar="FILE", type=Path, help="Write the figures as JSON.")
def command(items: tuple[str, ...], model: str | None, runs: int, out: Path | None) -> None:
    """Measure everything, or the items named: medians, against their budgets.

    Takes some minutes; anything else that the machine does meanwhile shows in the figures. Items
    that take long are run less often: the table says how often.
    """
    path = str(options.model_path(model))
    console = Console(stderr=True, highlight=False)
    about = bench.machine()
    figures: list[bench.Figure] = []
    skipped: dict[str, str] = {}
    for item in items or ITEMS:
        with console.status(f"measuring {item}"):
            try:
                figures += ITEMS[item](path, runs)
            except bench.Skipped as why:
                skipped[item] = str(why)
    if out is not None:
        rows = [
            {**asdict(figure), "median": figure.median, "within": figure.within}
            for figure in figures
        ]
        write_json(out, {"machine": asdict(about), "figures": rows, "skipped": skipped})
    show = Console(highlight=False)
    if not show.is_terminal:
        show.width = 120  # or a file would get what an 80-column terminal does
    show.print(_table(figures))
    for item, reason in skipped.items():
        show.print(f"{item}: not measured, {reason}")
    versions = ", ".join(f"{name} {number}" for name, number in about.versions.items())
    show.print(f"{about.cpu}, {about.cores} cores, Python {about.python}, {versions}")
    show.print(f"load before it began: {about.load}")


def _table(figures: list[bench.Figure]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("what")
    for heading in ("median", "budget", "runs", "spread", ""):
        table.add_column(heading, justify="right")
    for figure in figures:
        table.add_row(
            figure.what,
            f"{figure.median:,.3g} {figure.unit}"
            if figure.median < 1000
            else f"{figure.median:,.0f} {figure.unit}",
            f"{'>=' if figure.at_least else '<='} {figure.budget:,g}",
            str(len(figure.values)),
            f"{min(figure.values):,.3g} to {max(figure.values):,.3g}",
            "pass" if figure.within else "[bold red]FAIL[/]",
        )
    return table
