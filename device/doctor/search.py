"""Searches the board's serial ports and I2C buses for a sensor."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device.config.source import DEFAULT_BAUD
from device.doctor import ports
from device.doctor.finding import Finding
from firmware_bridge.errors import EdgeharError

PATIENCE_S: Final = 4.0
"""Longest wait for a hello. Opening the port resets a Nano, which then takes 2 s to boot."""
_MOST_PORTS: Final = 16
_LONGEST: Final = 60
"""Longest adapter name, characters."""
_MAIN: Final = 0x68


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port or a chip."""

    source: str
    """A value for `run --source`."""
    description: str
    """Its name, or why it cannot be used."""
    usable: bool
    advice: str = ""
    """How to make it usable, if that is possible."""


def serial_ports() -> list[Candidate]:
    """Listen in parallel on all serial ports that no other program has open."""
    paths = ports.serial_ports()[:_MOST_PORTS]
    over = threading.Event()
    with ThreadPoolExecutor(_MOST_PORTS) as pool:
        try:
            return list(pool.map(lambda path: _port(path, over), paths))
        finally:
            over.set()  # so that Ctrl-C does not wait for the threads


def i2c_chips() -> list[Candidate]:
    """Read WHO_AM_I at the family's two addresses on each I2C bus, and nothing else."""
    candidates = []
    for bus in ports.i2c_buses():
        finding = ports.i2c_bus(bus, _MAIN)[0]
        if finding.level == "ok":
            candidates += [
                Candidate(f"i2c:{bus}:0x{address:02x}", name, usable=True)
                for _, address, name in ports.chips(bus)
            ]
            candidates += _driven(bus)
        else:
            candidates.append(_refused(f"i2c:{bus}", finding))
    return candidates


def _port(path: str, over: threading.Event) -> Candidate:
    source = f"serial:{path}"
    finding = ports.serial_port(path)[0]
    if finding.level != "ok":
        return _refused(source, finding)
    try:
        rate_hz = _greeted(path, over)
    except EdgeharError as error:
        return Candidate(source, str(error), usable=False)
    name = _adapter_name(path)
    if rate_hz is not None:
        return Candidate(source, f"{name}edgehar's firmware, {rate_hz:g} Hz", usable=True)
    advice = (
        "flash edgehar's firmware (firmware_bridge/firmware/README.md); if it does not use"
        f" 115200 baud, give the rate: --source '{source}?baud=57600'"
    )
    return Candidate(source, f"{name}no edgehar firmware answers", usable=False, advice=advice)


def _greeted(path: str, over: threading.Event) -> float | None:
    """Return the sample rate in the device's hello; None if no hello comes in time."""
    from device.sources.serial import SerialSource  # noqa: PLC0415 -- pyserial, only for a search

    source, until_s = SerialSource(path, DEFAULT_BAUD), time.monotonic() + PATIENCE_S
    with closing(source.blocks()) as blocks:
        for _ in blocks:
            if source.nominal_hz or over.is_set() or time.monotonic() > until_s:
                break
    return source.nominal_hz


def _adapter_name(path: str) -> str:
    """Return the adapter's own description in printable characters, and ": "; '' without one."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 -- only for a search

    real = Path(path).resolve()
    for port in comports():
        if Path(port.device).resolve() == real and port.description != "n/a":
            return "".join(filter(str.isprintable, port.description))[:_LONGEST] + ": "
    return ""


def _driven(bus: int) -> Sequence[Candidate]:
    """Return chips that a kernel driver uses: a sensor, or a clock at the same address."""
    from device.sources.mpu.registers import ADDRESSES  # noqa: PLC0415 -- without smbus2

    candidates = []
    for address in ADDRESSES:
        for finding in ports.i2c_bus(bus, address)[1:]:
            advice = finding.advice if "inv" in finding.text else ""
            source = f"i2c:{bus}:0x{address:02x}"
            candidates.append(Candidate(source, finding.text, usable=False, advice=advice))
    return candidates


def _refused(source: str, finding: Finding) -> Candidate:
    return Candidate(source, finding.text, usable=False, advice=finding.advice)
