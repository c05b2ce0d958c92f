"""`edgehar label`: lets the wearer label a time span with the true activity."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from device.commands import when
from device.commands.settings import config_option, settings_path
from device.config import load as configs
from device.history.summary import duration
from device.history.zone import local_zone
from device.host import clock
from device.labels import boot_time, export, layout, select, store, summary
from device.labels.typed import cleaned
from device.terminal.status_line import StatusLine
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.recording import RecordingWriter, check_new


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar label sitting --last 5m\n"
    "  edgehar label cycling --from 14:05 --to 14:20\n"
    "  edgehar label --list\n"
    "  edgehar label --remove 3\n"
    "  edgehar label --export mine.csv.gz\n"
    "\b\nOff until the settings name a folder (docs/LABELS.md):\n"
    "  [labels]\n"
    '  folder = "/var/lib/edgehar/labels"'
)
@click.argument("activity", required=False)
@click.option("--last", "length", metavar="TIME", help="The time until now: 90s, 5m or 1h.")
@click.option("--from", "since", metavar="TIME", help="14:05, or 2026-11-21T14:05; local.")
@click.option("--to", "until", metavar="TIME", help="As --from.  [default: now]")
@click.option("--list", "lists", is_flag=True, help="Show all labels.")
@click.option("--remove", metavar="NUMBER", type=int, help="Remove a label with its samples.")
@click.option("--export", "export_to", metavar="FILE", type=Path,
              help="Write all labelled samples as a .csv or .csv.gz recording.")  # fmt: skip
@config_option
@click.option("--folder", metavar="FOLDER", type=Path, help="Overrides labels.folder.")
def command(  # noqa: PLR0913, PLR0917 -- one argument an option
    activity: str | None,
    length: str | None,
    since: str | None,
    until: str | None,
    lists: bool,
    remove: int | None,
    export_to: Path | None,
    config_path: Path | None,
    folder: Path | None,
) -> None:
    """Label a time span with the true activity, and keep its raw samples; all stays on the board.

    ACTIVITY is a class of the model or any other word. If labels overlap, the most recent wins.
    The daemon may be running.
    """
    actions = [activity is not None, lists, remove is not None, export_to is not None]
    if sum(actions) != 1:
        raise InputError("give one of ACTIVITY, --list, --remove and --export")
    if activity is None and (length or since or until):
        raise InputError("--last, --from and --to need an ACTIVITY")
    path = settings_path(config_path)
    if path is None and folder is None:
        raise InputError("no settings file was found; give --config FILE or --folder FOLDER")
    settings = configs.load(path) if path is not None else configs.Config()
    where = folder or settings.labels_folder
    if where is None:
        raise InputError(f"labels are off: {path} has no labels.folder")
    if activity is not None:
        _label(activity, _time(length, since, until), settings, where)
    elif remove is not None:
        store.remove(layout.labelled(where), remove)
        click.echo(f"removed: {remove}")
    elif export_to is not None:
        _export(export_to, where)
    else:
        _list(where)


def _time(length: str | None, since: str | None, until: str | None) -> tuple[float, float]:
    """Return begin and end of the time span, in seconds since 1970."""
    if bool(length) == bool(since) or (length and until):
        raise InputError("give the time span: --last 5m, or --from 14:05 --to 14:20")
    now = datetime.now(local_zone())
    if length:
        return now.timestamp() - when.last(length).total_seconds(), now.timestamp()
    return when.between(since or "", until, now)


def _label(
    activity: str, time_s: tuple[float, float], settings: configs.Config, folder: Path
) -> None:
    label, now = _cleaned(activity), clock.read()
    date = datetime.fromtimestamp(now.utc_s, UTC).isoformat(timespec="seconds")
    selection = select.select(folder, label, time_s, date, now)
    new = selection.correction
    others = [str(number) for number, one in _read(folder).items() if store.shared(new, one)]
    most_bytes = 1_000_000 * settings.labels_max_mb
    number = store.add(layout.labelled(folder), new, selection.chunks, most_bytes)
    click.echo(f"{number}: {summary.one_line(new, local_zone(), now)}")
    if settings.sqlite is not None:
        click.echo(summary.board_said(settings.sqlite, time_s[0], selection.until_utc_s))
    if others:
        click.echo(f"it overlaps label {', '.join(others)} and wins there")
    if strange := summary.is_strange(label, _model_labels(settings)):
        click.echo(f"{strange} (to undo it: edgehar label --remove {number})")


def _cleaned(activity: str) -> str:
    try:
        label = cleaned(activity.encode(errors="replace"))
    except ValueError as error:
        raise InputError(f"{activity!r} is not a label: {error}") from error
    if not label:
        raise InputError("ACTIVITY is empty; give one such as sitting")
    return label


def _model_labels(settings: configs.Config) -> Sequence[str]:
    from device import factory  # noqa: PLC0415

    try:
        return factory.open_bundle(settings.model, settings).labels
    except EdgeharError:  # the label is stored all the same, and `run` reports the model's error
        return ()


def _read(folder: Path) -> dict[int, store.Correction]:
    corrections, damaged = store.read(layout.labelled(folder))
    for path in damaged:
        click.echo(f"edgehar: {path} is damaged and is left out", err=True)
    return corrections


def _list(folder: Path) -> None:
    corrections, zone, now = _read(folder), local_zone(), clock.read()
    for number, one in corrections.items():
        click.echo(f"{number}: {summary.one_line(one, zone, now)}")
    if not corrections:
        click.echo("nothing is labelled")


def _export(path: Path, folder: Path) -> None:
    check_new(path)
    corrections = _read(folder)
    if not corrections:
        raise InputError(f"nothing is labelled in {folder}, so there is nothing to export")
    offsets_s = {span.boot: span.offset_s for one in corrections.values() for span in one.spans}
    for boot, known in boot_time.up_to(clock.read(), {}).items():
        offsets_s[boot] = known.offset_s
    umask = os.umask(0o077)  # only the wearer may read the file
    try:
        with StatusLine() as line, RecordingWriter(path) as recording:

            def tell(share: float) -> None:
                line.show(f"{path}: {share:.0%}")

            total = export.write(layout.labelled(folder), corrections, offsets_s, recording, tell)
    except (OSError, ValueError) as error:
        raise EdgeharError(f"cannot write {path}: {error}") from error
    finally:
        os.umask(umask)
        with suppress(OSError):  # left by an export that failed or was stopped
            path.with_name(f"{path.name}.part").unlink()
    by_label = [f"{label} {duration(round(1000 * s))}" for label, s in total.by_label.items()]
    click.echo(f"written: {path}, {total.samples} samples, {', '.join(by_label)}")
