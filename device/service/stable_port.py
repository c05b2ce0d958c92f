"""A name for a serial port that stays when it is unplugged, or another one plugged in."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware_bridge.errors import InputError

STABLE: Final = "/dev/edgehar-wrist"
_BY_SERIAL: Final = ("ID_VENDOR_ID", "ID_MODEL_ID", "ID_SERIAL_SHORT")
_BY_PLACE: Final = ("ID_PATH",)
_PLAIN: Final = re.compile(r"[\w.:+-]{1,200}", re.ASCII)
_USB: Final = ("ttyUSB", "ttyACM")
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Port:
    """The serial port of the service."""

    path: str
    """STABLE, if a udev rule gives the port this name."""
    rule: str | None
    """Of udev; None for a port with but one place, such as /dev/ttyAMA0."""
    why: str
    """How udev tells this port from others."""


def described(path: str) -> dict[str, str]:
    """Return what udev knows of a device; nothing where there is no udev, or no device."""
    command = ["udevadm", "info", "--query=property", f"--name={path}"]
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def named(path: str, known: Mapping[str, str]) -> Port:
    """Choose by what udev knows: the adapter's serial number, else the socket that it is in. Pure.

    Raises InputError for a USB port of which neither is known: it is not plugged in, mostly.
    """
    for keys, why in (
        (_BY_SERIAL, "by its adapter's serial number"),
        (_BY_PLACE, "by the USB socket it is in, for its adapter has no serial number"),
    ):
        if known.get("ID_BUS", "usb") != "usb" or "ID_VENDOR_ID" not in known:
            break
        if all(_PLAIN.fullmatch(known.get(key, "")) for key in keys):
            match = ", ".join(f'ENV{{{key}}}=="{known[key]}"' for key in keys)
            link = STABLE.removeprefix("/dev/")
            return Port(STABLE, f'SUBSYSTEM=="tty", {match}, SYMLINK+="{link}"', why)
    if path == STABLE or Path(path).name.startswith(_USB):
        raise InputError(f"{path}: udev knows nothing of it; plug the sensor in and try again")
    return Port(path, None, "as it is: it is no USB adapter")


def kept(rules: str) -> str | None:
    """Return the rule in udev's rules as they were written before."""
    lines = [line for line in rules.splitlines() if "SYMLINK" in line]
    return lines[0] if lines else None


def kinds(path: str, devices: str) -> list[str]:
    """Return the classes of devices that the service needs for a serial port.

    Those of USB always, for it may be in another adapter tomorrow; and its own, which `devices`,
    the text of /proc/devices, names.
    """
    found = list(_USB)
    try:
        major = Path(path).stat().st_rdev >> 8 & 0xFFF
    except OSError:
        return found
    names = re.findall(rf"^ *{major} ((?:tty|pts)\w*)$", devices, re.MULTILINE)
    return found + [name for name in names if name not in found and name != "tty"]
