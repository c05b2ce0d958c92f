"""`edgehar models`: lists and installs models, and chooses the one that the daemon uses."""

import json
from pathlib import Path
from typing import Any

import click

from device import factory
from device.commands import settings
from device.commands.settings import config_option
from device.config import load as configs
from device.model import bundle as bundles
from device.model.catalogue import Entry
from device.model.ledger import Ledger
from device.model.store import Store


@click.group(
    epilog="\b\nExamples:\n"
    "  edgehar models list\n"
    "  edgehar models install wrist-2.tflite\n"
    "  edgehar models activate wrist@1a2b3c4d\n"
    "  edgehar models rollback\n"
    "\b\nSettings for models, each optional:\n"
    "  [models]\n"
    '  folder = "/var/lib/edgehar/models"\n'
    '  key = "/etc/edgehar/models.pem"  # an Ed25519 public key: then bundles must be signed by it'
)
def command() -> None:
    """List, install and activate models; go back to the previous model.

    The daemon loads the active model at its next start. If that model fails, the daemon goes back
    to the previous one by itself.
    """


@command.command("list", epilog="\b\nExample:\n  edgehar models list --json")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(config_path: Path | None, *, as_json: bool) -> None:
    """List shipped and installed models, and show which one is active."""
    store, _ = _open(config_path)
    ledger, entries = store.ledger(), store.entries()
    if as_json:
        models = [_as_json(entry, ledger) for entry in entries]
        page = {"folder": str(store.folder), "why": ledger.why, "models": models}
        click.echo(json.dumps(page, indent=1))
        return
    rows: list[tuple[str, ...]] = [("MODEL", "IN DECISIONS", "STATE", "KB", "FROM", "CLASSES")]
    rows += [_row(entry, ledger) for entry in entries]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
    click.echo(f"\nactive: {ledger.why}")
    for entry in entries:
        if wrong := entry.damage or ledger.failed.get(entry.key):
            click.echo(f"{_name(entry)}: {wrong}")


@command.command(epilog="\b\nExample:\n  edgehar models install wrist-2.tflite")
@click.argument("file", metavar="FILE", type=Path)
@config_option
def install(file: Path, config_path: Path | None) -> None:
    """Verify a bundle and copy it to the models' folder.

    Its self-test must pass on this board, and its signature if a key is configured. It does not
    become active.
    """
    store, _ = _open(config_path)
    entry = store.install(file)
    click.echo(f"installed {_name(entry)}; to use it: edgehar models activate {_name(entry)}")


@command.command(epilog="\b\nExample:\n  edgehar models activate wrist@1a2b3c4d")
@click.argument("model", metavar="NAME[@HASH]")
@config_option
def activate(model: str, config_path: Path | None) -> None:
    """Make a model the active one, on trial.

    The daemon loads it at its next start. If the model fails or crashes the daemon during the
    trial, the daemon goes back to the previous model.
    """
    store, config = _open(config_path)
    _say_active(store.activate(model), store, config)


@command.command(epilog="\b\nExample:\n  edgehar models rollback")
@config_option
def rollback(config_path: Path | None) -> None:
    """Go back to the previous model."""
    store, config = _open(config_path)
    _say_active(store.roll_back(), store, config)


def _say_active(entry: Entry, store: Store, config: configs.Config) -> None:
    tried = ", on trial" if store.ledger().trial else ""
    click.echo(f"active: {_name(entry)}{tried}; restart the daemon to run it")
    if config.model is not None:
        click.echo(f"but the settings name the model {config.model}, which has priority", err=True)


def _open(config_path: Path | None) -> tuple[Store, configs.Config]:
    config = settings.load(config_path)
    return factory.store(config), config


def _name(entry: Entry) -> str:
    return f"{entry.key.partition('@')[0]}@{entry.sha256[:8]}"


def _is_active(entry: Entry, ledger: Ledger) -> bool:
    return entry.key == (ledger.active or bundles.shipped_default())


def _states(entry: Entry, ledger: Ledger) -> list[str]:
    active = _is_active(entry, ledger)
    states = {
        "active": active,
        "trial": active and ledger.trial is not None,
        "previous": entry.key == ledger.previous,
        "failed": entry.key in ledger.failed,
        "damaged": entry.bundle is None,
    }
    return [state for state, applies in states.items() if applies]


def _row(entry: Entry, ledger: Ledger) -> tuple[str, ...]:
    states = ", ".join(_states(entry, ledger))
    if ledger.trial and _is_active(entry, ledger):
        trial = ledger.trial
        states += f" ({trial.crashes} crashes, {trial.cuts} power cuts)"
    return (
        _name(entry),
        entry.bundle.id if entry.bundle else "-",
        states or "-",
        f"{entry.size_bytes / 1000:.0f}",
        "shipped" if entry.shipped else entry.origin.path if entry.origin else "unknown",
        " ".join(entry.bundle.labels) if entry.bundle else "-",
    )


def _as_json(entry: Entry, ledger: Ledger) -> dict[str, Any]:
    origin, bundle = entry.origin, entry.bundle
    trial = ledger.trial if _is_active(entry, ledger) else None
    return {
        "name": entry.key.partition("@")[0],
        "sha256": entry.sha256,
        "model": bundle and bundle.id,
        "labels": bundle and list(bundle.labels),
        "size_bytes": entry.size_bytes,
        "shipped": entry.shipped,
        "from": origin and origin.path,
        "installed": origin and origin.date,
        "signed_by": origin and origin.signed_by,
        "states": _states(entry, ledger),
        "crashes": trial and trial.crashes,
        "power_cuts": trial and trial.cuts,
        "failed": ledger.failed.get(entry.key),
        "damage": entry.damage or None,
    }
