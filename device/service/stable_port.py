"""A name for a serial port that stays the same when ports are unplugged and plugged in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device.host import systemd
from firmware_bridge.errors import EdgeharError, InputError

STABLE: Final = "/dev/edgehar-wrist"
_BY_SERIAL: Final = ("ID_VENDOR_ID", "ID_MODEL_ID", "ID_SERIAL_SHORT")
_BY_PLACE: Final = ("ID_PATH",)
_PLAIN: Final = re.compile(r"[\w.:+-]{1,200}", re.ASCII)
_USB: Final = ("ttyUSB", "ttyACM")


@dataclass(frozen=True, slots=True)
class Port:
    """The serial port of the service."""

    path: str
    """STABLE, if a udev rule gives the port this name."""
    rule: str | None
    """The udev rule; None for a port of the board itself, such as /dev/ttyAMA0."""
    why: str
    """How udev recognises the port."""


def described(path: str) -> dict[str, str]:
    """Return udev's properties of a device; none without udev or without the device."""
    try:
        answer = systemd.ask("udevadm", "info", "--query=property", f"--name={path}")
    except EdgeharError:
        return {}
    return systemd.properties(answer)


def choose(path: str, known: Mapping[str, str]) -> Port:
    """Choose a name by udev's properties: the adapter's serial number, else its USB socket. Pure.

    Raises InputError for a USB port without these properties; mostly, it is not plugged in.
    """
    for keys, why in (
        (_BY_SERIAL, "recognised by its adapter's serial number"),
        (_BY_PLACE, "recognised by its USB socket, because its adapter has no serial number"),
    ):
        if known.get("ID_BUS", "usb") != "usb" or "ID_VENDOR_ID" not in known:
            break
        if all(_PLAIN.fullmatch(known.get(key, "")) for key in keys):
            match = ", ".join(f'ENV{{{key}}}=="{known[key]}"' for key in keys)
            link = STABLE.removeprefix("/dev/")
            return Port(STABLE, f'SUBSYSTEM=="tty", {match}, SYMLINK+="{link}"', why)
    if path == STABLE or Path(path).name.startswith(_USB):
        raise InputError(f"{path}: udev does not know it; plug the sensor in and try again")
    return Port(path, None, "unchanged, because it is not a USB adapter")


def earlier_rule(rules: str) -> str | None:
    """Return the port's rule in a rules file that was written before."""
    return next((line for line in rules.splitlines() if "SYMLINK" in line), None)


def kinds(path: str, devices: str) -> list[str]:
    """Return the device classes that the service needs for a serial port.

    The USB classes always, because the sensor may get another adapter; and the port's own class,
    by its major number in `devices`, the text of /proc/devices.
    """
    classes = list(_USB)
    try:
        major = Path(path).stat().st_rdev >> 8 & 0xFFF
    except OSError:
        return classes
    names = re.findall(rf"^ *{major} ((?:tty|pts)\w*)$", devices, re.MULTILINE)
    return classes + [name for name in names if name not in classes and name != "tty"]
