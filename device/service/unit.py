"""The unit and the other files of the service, made from the settings. Pure."""

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
# Nothing is sent anywhere: neither MQTT nor metrics on request are set up.
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
    """Classes of devices, as in /proc/devices, of a serial port."""


def unit(config: Config, path: Path, board: Board) -> str:
    """Make the service's unit for settings that stand at a path."""
    waits = board.systemd >= RELOADS
    kinds = ["i2c"] if _is_i2c(config) else board.kinds
    return _template("edgehar.service").format(
        mark=MARK,
        type="notify-reload" if waits else "notify",
        reload="" if waits else _RELOAD,
        slower=_SLOWER if board.systemd >= SLOWS else "",
        program=board.program,
        config=plain(path),
        writable="".join(f"ReadWritePaths=-{folder}\n" for folder in outside(config)).rstrip(),
        devices="\n".join(f"DeviceAllow=char-{kind} rw" for kind in kinds),
        network=_network(config.metrics_listen, anywhere=config.mqtt is not None),
        sandbox=_template("sandbox").rstrip(),
    )


def dashboard(config: Config, path: Path, board: Board) -> str | None:
    """Make the unit of the page, a process of its own; None where none is set up."""
    if config.dashboard_listen is None:
        return None
    return _template("edgehar-dashboard.service").format(
        mark=MARK,
        program=board.program,
        config=plain(path),
        writable="".join(f"ReadWritePaths=-{folder}\n" for folder in outside(config)).rstrip(),
        network=_network(config.dashboard_listen),
        sandbox=_template("sandbox").rstrip(),
    )


def rules(config: Config, rule: str | None) -> str | None:
    """Make udev's rules; None where none is needed."""
    found = _I2C_RULE if _is_i2c(config) else rule
    return found and _template("70-edgehar.rules").format(mark=MARK, rules=found)


def modules(config: Config) -> str:
    """Name the kernel's modules to load at boot.

    A class of devices can be allowed only once its driver is there, which for a USB adapter would
    be when it is plugged in: too late for a service that has started.
    """
    return "\n".join([MARK, *(["i2c-dev"] if _is_i2c(config) else ["usbserial", "cdc-acm"])]) + "\n"


def users(new_groups: Iterable[str]) -> str:
    """Make the service's user for systemd-sysusers, and groups that the board lacks."""
    groups = [f"g {group} -" for group in new_groups]
    return "\n".join([MARK, f'u edgehar - "edgehar" {STATE}', *groups]) + "\n"


def outside(config: Config) -> list[Path]:
    """Return the folders out of STATE in which the service writes; InputError if it never could."""
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
            raise InputError(f"{key}: no service sees {folder}; use {STATE}")
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
