"""`edgehar service`: installs the daemon as a systemd service, shows its state, uninstalls it."""

import grp
from dataclasses import replace
from pathlib import Path

import click

from device.config import first_settings
from device.config import load as configs
from device.config.paths import DATABASE, SETTINGS, STATE
from device.service import install_steps, installation, stable_port, state, unit
from firmware_bridge.errors import EdgeharError, InputError

DEVICES = Path("/proc/devices")

_with_settings = click.option(
    "--config", "config_path", metavar="FILE", type=Path, default=SETTINGS, show_default=True,
    help="The daemon's settings.",
)  # fmt: skip
_dry = click.option("--dry-run", is_flag=True, help="Print the steps and do none of them.")


@click.group(
    epilog="\b\nExamples:\n"
    "  edgehar service install --source serial:/dev/ttyUSB0 --dry-run\n"
    "  edgehar service status\n"
    "  edgehar service uninstall"
)
def command() -> None:
    """Let systemd run the daemon: from boot on, with a watchdog, in a sandbox."""


@command.command(epilog="\b\nExample:\n  edgehar service install --source i2c:1:0x68")
@click.option("--source", metavar="SOURCE", help="As in `run`; needed without settings.")
@_with_settings
@_dry
def install(source: str | None, config_path: Path, *, dry_run: bool) -> None:
    """Print the steps, install the service and start it. It may be repeated.

    Repeat it after a change of source, mqtt, metrics or dashboard in the settings: the service's
    permissions depend on them.
    """
    if not dry_run:
        install_steps.as_root()
    problems: list[str] = []
    config, new = _settings(source, config_path, problems)
    if config.source is None:
        raise InputError(f"{config_path} names no source; set source.uri in it")
    rule, kinds = None, list[str]()
    if config.source.kind == "serial":
        kinds = stable_port.kinds(config.source.path, DEVICES.read_text())
        try:
            rule, new = _named_port(config.source.path, config_path, new)
        except InputError as error:
            if not dry_run:
                raise
            problems.append(str(error))
    board = _board(kinds, problems, dry_run=dry_run)
    units = {install_steps.UNIT: unit.unit(config, config_path, board)}
    if page := unit.dashboard(config, config_path, board):
        units[install_steps.DASHBOARD] = page
    steps = install_steps.install(
        units,
        unit.rules(config, rule),
        unit.users(install_steps.missing_groups(_is_group)),
        unit.modules(config),
        install_steps.file(config_path, new) if new else None,
    )
    _do(steps, dry_run=dry_run)
    for folder in unit.outside(config):
        click.echo(f"give the user edgehar write permission for {folder}")
    if not dry_run:
        click.echo("to see its state: edgehar service status")
    for problem in problems:
        click.echo(f"edgehar: this step would fail: {problem}", err=True)


@command.command(epilog="\b\nExample:\n  edgehar service status")
def status() -> None:
    """Show the state of the service; exit code 1 unless it runs."""
    properties = state.properties()
    loaded = properties.get("LoadState") == "loaded"
    for line in state.in_words(properties, state.watchdog_kills() if loaded else 0):
        click.echo(line)
    if properties.get("ActiveState") not in {"active", "reloading"}:
        click.get_current_context().exit(1)


@command.command(epilog="\b\nExample:\n  edgehar service uninstall --purge")
@_with_settings
@_dry
@click.option("--purge", is_flag=True, help="Remove settings, history and models too.")
def uninstall(config_path: Path, *, dry_run: bool, purge: bool) -> None:
    """Uninstall the service. Settings, history and models stay, unless --purge."""
    if not dry_run:
        install_steps.as_root()
    _do(install_steps.uninstall(config_path, purge=purge), dry_run=dry_run)
    left = [path for path in (config_path, STATE) if path.exists()]
    if left and not dry_run:
        click.echo(f"left: {', '.join(map(str, left))}; to remove them too: --purge")


def _settings(
    source: str | None, path: Path, problems: list[str]
) -> tuple[configs.Config, str | None]:
    """Return the settings, and their text if they are new."""
    named = configs.parse_source(source) if source else None
    if path.exists():
        config = configs.load(path)
        stays = named is not None and config.source == replace(named, path=stable_port.STABLE)
        if named not in {None, config.source} and not stays:
            raise InputError(f"{path} names another source; change it there, or omit --source")
        if not installation.readable(path) or installation.hidden(path.resolve()):
            problems.append(f"{path}: the service cannot read it; chmod a+r, or use another folder")
        return config, None
    if source is None or named is None:
        raise InputError(f"{path} does not exist; give --source, such as serial:/dev/ttyUSB0")
    text = first_settings.of_service(source)
    return configs.Config(source=named, sqlite=STATE / DATABASE), text


def _named_port(port: str, path: Path, new: str | None) -> tuple[str | None, str | None]:
    """Return udev's rule for a stable name of the port, and the new settings with that name."""
    stable = _port(port)
    click.echo(f"{port}: {stable.path}, {stable.why}")
    if stable.path != port and new is None:
        click.echo(f"{path}: set source.uri to {stable.path}, a name that never changes")
    return stable.rule, new and new.replace(port, stable.path)


def _board(kinds: list[str], problems: list[str], *, dry_run: bool) -> unit.Board:
    """Return the facts that the unit depends on. A dry run collects problems and continues."""
    program, version = "edgehar", unit.SLOWS
    try:
        program = installation.program()
    except EdgeharError as error:
        problems.append(str(error))
    try:
        version = state.version()
    except EdgeharError as error:
        problems.append(str(error))
    if problems and not dry_run:
        raise InputError(problems[0])
    return unit.Board(program, version, kinds)


def _port(path: str) -> stable_port.Port:
    known = stable_port.described(path)
    if path == stable_port.STABLE and not known and install_steps.RULES.exists():
        rules = install_steps.RULES.read_text(encoding="utf-8")
        return stable_port.Port(path, stable_port.earlier_rule(rules), "as before")
    return stable_port.choose(path, known)


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _do(steps: list[install_steps.Step], *, dry_run: bool) -> None:
    for step in steps:
        click.echo(step.words)
    if not steps:
        click.echo("there is nothing to do")
    if dry_run:
        return
    for step in steps:
        step.do()
    click.echo("done")
