"""`edgehar bench`: this machine against the budgets, as a table and as JSON."""

import os
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
from rich import box
from rich.console import Console
from rich.table import Table

from device import bench, factory
from device.bench import compute, instructions, processes, wearing
from device.config.paths import VARIABLE
from device.model import bundle
from firmware_bridge.whole_file import write_json

HEAD = ("what", "median", "budget", "runs", "spread", "result")

ITEMS: dict[str, bench.Item] = {
    "signal": compute.signal_path,
    "decode": compute.decoding,
    "inference": compute.inference,
    "instructions": instructions.instructions,
    "help": processes.help_text,
    "ready": processes.ready,
    "live": wearing.live,
    "everything": wearing.everything,
    "latency": processes.latency,
    "day": processes.day,
    "train": processes.training,
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
    """Measure all items, or those named: medians, against their budgets.

    Takes some minutes. Other work on the machine changes the figures. Slow items run less often;
    the table shows the number of runs.
    """
    path = str(factory.model_path(model))
    name = bundle.load(bundle.locate(path)).id
    console = Console(stderr=True, highlight=False)
    about = bench.machine()
    figures: list[bench.Figure] = []
    skipped: dict[str, str] = {}
    with NamedTemporaryFile(suffix=".toml") as empty:
        os.environ[VARIABLE] = empty.name  # the user's settings must not change a figure
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
        table = {"head": list(HEAD), "rows": [_row(figure) for figure in figures]}
        write_json(
            out,
            {
                "machine": asdict(about),
                "model": name,
                "figures": rows,
                "skipped": skipped,
                "table": table,
            },
        )
    show = Console(highlight=False)
    if not show.is_terminal:
        show.width = 120  # rich takes 80 columns for a file
    show.print(_table(figures))
    for item, reason in skipped.items():
        show.print(f"{item}: not measured, {reason}")
    versions = ", ".join(f"{name} {number}" for name, number in about.versions.items())
    vectors = f" ({', '.join(about.vectors)})" if about.vectors else ""
    show.print(f"{name} on {about.cpu}{vectors}, {about.cores} cores")
    show.print(f"Python {about.python}, {versions}")
    show.print(f"load before it began: {about.load}")


def _table(figures: list[bench.Figure]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column(HEAD[0])
    for heading in HEAD[1:]:
        table.add_column(heading, justify="right")
    for figure in figures:
        table.add_row(*_row(figure), style="" if figure.within else "bold red")
    return table


def _row(figure: bench.Figure) -> list[str]:
    sign = "≥" if figure.at_least else "≤"
    return [
        figure.what,
        f"{_short(figure.median)} {figure.unit}",
        "" if figure.budget is None else f"{sign} {figure.budget:,g}",
        str(len(figure.values)),
        f"{_short(min(figure.values))} to {_short(max(figure.values))}",
        figure.verdict,
    ]


def _short(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
