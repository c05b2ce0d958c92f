"""Makes the text of the unit and of the service's other files from the settings. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from device.config.checks import is_loopback
from device.config.load import Config
from device.config.paths import STATE
from device.service.installation import hidden, plain
from firmware_bridge.errors import InputError

MARK: Final = "# Made by `edgehar service install`, and taken away by `edgehar service uninstall`."
RELOADS: Final = 253
"""The first systemd version that waits until a reload is done."""
SLOWS: Final = 254
"""The first systemd version that waits longer after each failure."""

_SILENT: Final = """\
# No network: neither MQTT nor metrics.listen is configured.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any"""
_ONLINE: Final = "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
_LOCAL: Final = "\nIPAddressDeny=any\nIPAddressAllow=localhost"
_SLOWER: Final = "RestartSteps=5\nRestartMaxDelaySec=5min"
_RELOAD: Final = "ExecReload=/bin/kill -HUP $MAINPID"
_I2C_RULE: Final = 'SUBSYSTEM=="i2c-dev", GROUP="i2c", MODE="0660"'


@dataclass(frozen=True, slots=True)
class Board:
    """The facts about a board that the unit needs."""

    program: str
    """The command that starts edgehar."""
    systemd: int
    """The version of systemd."""
    kinds: Sequence[str]
    """Device classes of the serial port, as in /proc/devices."""


def unit(config: Config, path: Path, board: Board) -> str:
    """Make the service's unit for the settings, whose file is `path`."""
    waits = board.systemd >= RELOADS
    kinds = ["i2c"] if _is_i2c(config) else board.kinds
    return _unit(
        "edgehar.service", config, path, board,
        type="notify-reload" if waits else "notify",
        reload="" if waits else _RELOAD,
        slower=_SLOWER if board.systemd >= SLOWS else "",
        devices="\n".join(f"DeviceAllow=char-{kind} rw" for kind in kinds),
        network=_network(config.metrics_listen, anywhere=config.mqtt is not None),
    )  # fmt: skip


def dashboard(config: Config, path: Path, board: Board) -> str | None:
    """Make the unit of the dashboard, a separate process; None if it is not configured."""
    if config.dashboard_listen is None:
        return None
    network = _network(config.dashboard_listen)
    return _unit("edgehar-dashboard.service", config, path, board, network=network)


def _unit(name: str, config: Config, path: Path, board: Board, **values: str) -> str:
    return _template(name).format(
        mark=MARK,
        program=board.program,
        config=plain(path),
        writable="".join(f"ReadWritePaths=-{folder}\n" for folder in outside(config)).rstrip(),
        sandbox=_template("sandbox").rstrip(),
        **values,
    )


def rules(config: Config, rule: str | None) -> str | None:
    """Make the udev rules; None if none is needed."""
    lines = _I2C_RULE if _is_i2c(config) else rule
    return lines and _template("70-edgehar.rules").format(mark=MARK, rules=lines)


def modules(config: Config) -> str:
    """Return the kernel modules to load at boot.

    A unit can allow a device class only after its driver is loaded. For a USB adapter, that
    happens when it is plugged in: too late for a service that runs already.
    """
    return "\n".join([MARK, *(["i2c-dev"] if _is_i2c(config) else ["usbserial", "cdc-acm"])]) + "\n"


def users(new_groups: Iterable[str]) -> str:
    """Make the lines for systemd-sysusers: the service's user, and groups that are missing."""
    groups = [f"g {group} -" for group in new_groups]
    return "\n".join([MARK, f'u edgehar - "edgehar" {STATE}', *groups]) + "\n"


def outside(config: Config) -> list[Path]:
    """Return the folders outside of STATE in which the service writes.

    Raises InputError for a folder that systemd hides from the service.
    """
    named = {
        "sinks.sqlite": config.sqlite,
        "state.file": config.state,
        "metrics.file": config.metrics_file,
    }
    folders = {key: path.parent for key, path in named.items() if path is not None}
    if config.models_folder is not None:
        folders["models.folder"] = config.models_folder
    if config.labels_folder is not None:
        folders["labels.folder"] = config.labels_folder
    for key, folder in folders.items():
        if hidden(plain(folder)):
            raise InputError(f"{key}: {folder} is hidden from systemd services; use {STATE}")
    return sorted({one for one in folders.values() if not one.is_relative_to(STATE)})


def _network(listen: tuple[str, int] | None, *, anywhere: bool = False) -> str:
    if listen is None and not anywhere:
        return _SILENT
    local = listen is not None and is_loopback(listen[0]) and not anywhere
    return _ONLINE + (_LOCAL if local else "")


def _is_i2c(config: Config) -> bool:
    return config.source is not None and config.source.kind == "i2c"


def _template(name: str) -> str:
    return files("device").joinpath("systemd", name).read_text(encoding="utf-8")
