"""`edgehar data`: lists, checks and exports the data sets for training and tests."""

from pathlib import Path

import click
from rich.console import Console

from firmware_bridge.errors import EdgeharError
from train.commands.options import data_option
from train.datasets.archive import DataError
from train.datasets.catalogue import CATALOGUE, TERMS, Entry

NAMES = tuple(entry.name for entry in CATALOGUE)


@click.group(epilog="\b\nExample:\n  edgehar data list")
def data() -> None:
    """List, check or export data sets, or show how to download them."""


@data.command("list", epilog="\b\nExample:\n  edgehar data list --data ~/archives")
@data_option
def list_(data: Path) -> None:
    """List the supported data sets and the paths of their archives."""
    for entry in CATALOGUE:
        path = entry.find(data)
        click.echo(f"{entry.name}  {entry.title}")
        click.echo(f"    {path or f'not found in {data}'}")
        if path:
            click.echo(f"    sha256 {entry.sha256(path)}")
        click.echo(f"    {entry.source}  {entry.citation}")
    click.echo(TERMS)


@data.command(epilog="\b\nExample:\n  edgehar data fetch hapt")
@click.argument("name", type=click.Choice(NAMES))
@data_option
def fetch(name: str, data: Path) -> None:
    """Show how to get a data set; its terms require that you download the archive yourself."""
    entry = _entry(name)
    path = entry.find(data)
    if path:
        click.echo(f"{entry.name}: {path}")
        return
    click.echo(f"{entry.title}\n{entry.citation}\n{TERMS}")
    click.echo(f"1. download the archive from {entry.source}")
    click.echo(f"2. copy the archive, unchanged, to {data / entry.files[0]}")
    click.echo(f"3. edgehar data check {entry.name} --data {data}")


@data.command(epilog="\b\nExample:\n  edgehar data check --data ~/archives")
@click.argument("name", type=click.Choice(NAMES), required=False)
@data_option
def check(name: str | None, data: Path) -> None:
    """Parse one data set, or every one in the data folder, and summarise the content."""
    entries = [_entry(name)] if name else [entry for entry in CATALOGUE if entry.find(data)]
    if not entries:
        raise DataError(f"no data set in {data}; `edgehar data fetch` shows how to get them")
    for entry in entries:
        with Console(stderr=True).status(f"reading {entry.name}"):
            lines = entry.check(data)
        click.echo(f"{entry.name}: complete")
        for line in lines:
            click.echo(f"    {line}")


@data.command(epilog="\b\nExample:\n  edgehar data export hapt --user 2 --out recordings")
@click.argument("name", type=click.Choice(["hapt"]))
@click.option("--user", type=int, required=True, help="Person, 1 to 30.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@data_option
def export(name: str, user: int, out: Path, data: Path) -> None:  # noqa: ARG001  only one yet
    """Write a person's recordings as labelled CSV files for `play` and `classify`."""
    from firmware_bridge.recording import RecordingWriter  # noqa: PLC0415  list needs none of it
    from train.datasets import hapt  # noqa: PLC0415

    recordings = [r for r in hapt.load(data).recordings if r.person == user]
    if not recordings:
        raise DataError(f"the HAPT archive in {data} has no person {user}; give another --user")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for recording in recordings:
            stem = f"hapt-exp{recording.experiment:02}-user{recording.person:02}"
            path = out / f"{stem}.csv.gz"
            with RecordingWriter(path) as writer:
                writer.write(recording.samples, recording.labels())
            click.echo(str(path))
    except OSError as error:
        raise EdgeharError(
            f"cannot write to {out} ({error.strerror}); give another folder with --out"
        ) from error


@data.command("fit-wearer", epilog="\b\nExample:\n  edgehar data fit-wearer --out wearer.json")
@click.option("--out", type=click.Path(path_type=Path), help="[default: the installed file]")
@click.option("--wrist", is_flag=True, help="Fit the wearer at the wrist, to daily-sports.")
@data_option
def fit_wearer(out: Path | None, data: Path, *, wrist: bool) -> None:
    """Fit the parameters of the synthetic wearer: at the waist, to HAPT's training people."""
    from firmware_bridge.simulator.wearer import NUMBERS, WRIST_NUMBERS  # noqa: PLC0415
    from firmware_bridge.whole_file import write_json  # noqa: PLC0415
    from train.datasets import hapt  # noqa: PLC0415
    from train.datasets import wrist as wrist_data  # noqa: PLC0415
    from train.studies import wearer_fit  # noqa: PLC0415

    path = out or (WRIST_NUMBERS if wrist else NUMBERS)
    if wrist:
        arms = wrist_data.load("daily-sports", data)
        write_json(path, wearer_fit.fit_arm(arms.pieces, arms.sha256))
    else:
        write_json(path, wearer_fit.fit_wearer(hapt.load(data)))
    click.echo(str(path))


def _entry(name: str) -> Entry:
    return next(entry for entry in CATALOGUE if entry.name == name)
