"""What on this board may be the sensor: each serial port and each chip, asked who it is."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device.doctor import ports
from device.doctor.finding import Finding
from firmware_bridge.errors import EdgeharError

PATIENCE_S: Final = 4.0
"""For a hello. Opening the port resets a Nano, which then takes 2 s to boot."""
_MOST_PORTS: Final = 16
_LONGEST: Final = 60
"""Of what an adapter calls itself."""
_MAIN: Final = 0x68


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port or a chip."""

    source: str
    """As `run --source` takes it."""
    says: str
    """What it is, or why it cannot be used."""
    usable: bool
    advice: str = ""
    """What makes it usable, where something may."""


def serial_ports() -> list[Candidate]:
    """Listen on all serial ports at once that no other program has open."""
    paths = ports.serial_ports()[:_MOST_PORTS]
    over = threading.Event()
    with ThreadPoolExecutor(_MOST_PORTS) as pool:
        try:
            return list(pool.map(lambda path: _port(path, over), paths))
        finally:
            over.set()  # also after Ctrl-C, which would otherwise wait for them


def i2c_chips() -> list[Candidate]:
    """Ask the family's two addresses on each I2C bus for WHO_AM_I, and nothing else."""
    found = []
    for bus in ports.i2c_buses():
        finding = ports.i2c_bus(bus, _MAIN)[0]
        if finding.level == "ok":
            found += [
                Candidate(f"i2c:{bus}:0x{address:02x}", name, usable=True)
                for _, address, name in ports.chips(bus)
            ]
            found += _driven(bus)
        else:
            found.append(_refused(f"i2c:{bus}", finding))
    return found


def _port(path: str, over: threading.Event) -> Candidate:
    source = f"serial:{path}"
    finding = ports.serial_port(path)[0]
    if finding.level != "ok":
        return _refused(source, finding)
    try:
        rate_hz = _greeted(path, over)
    except EdgeharError as error:
        return Candidate(source, str(error), usable=False)
    name = _calls_itself(path)
    if rate_hz is not None:
        return Candidate(source, f"{name}edgehar's firmware, {rate_hz:g} Hz", usable=True)
    advice = (
        "is edgehar's firmware on it (firmware_bridge/firmware/README.md)? At another speed than"
        f" 115200 baud, name it: --source '{source}?baud=57600'"
    )
    return Candidate(source, f"{name}no edgehar firmware answers", usable=False, advice=advice)


def _greeted(path: str, over: threading.Event) -> float | None:
    """Return the rate that a device at the port says it has; None if none says so in time."""
    from device.config.source import DEFAULT_BAUD  # noqa: PLC0415 -- with pyserial, only where asked for
    from device.sources.serial import SerialSource  # noqa: PLC0415

    source, until_s = SerialSource(path, DEFAULT_BAUD), time.monotonic() + PATIENCE_S
    with closing(source.blocks()) as blocks:
        for _ in blocks:
            if source.nominal_hz or over.is_set() or time.monotonic() > until_s:
                break
    return source.nominal_hz


def _calls_itself(path: str) -> str:
    """Return what the adapter says that it is, as text that a terminal can be trusted with."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 -- only where it is asked for

    real = Path(path).resolve()
    for port in comports():
        if Path(port.device).resolve() == real and port.description != "n/a":
            return "".join(filter(str.isprintable, port.description))[:_LONGEST] + ": "
    return ""


def _driven(bus: int) -> Sequence[Candidate]:
    """Name what a driver of the kernel's has: a sensor, or a clock at the same address."""
    from device.sources.mpu.registers import ADDRESSES  # noqa: PLC0415 -- loads no smbus2 either

    found = []
    for address in ADDRESSES:
        for finding in ports.i2c_bus(bus, address)[1:]:
            advice = finding.advice if "inv" in finding.text else ""
            source = f"i2c:{bus}:0x{address:02x}"
            found.append(Candidate(source, finding.text, usable=False, advice=advice))
    return found


def _refused(source: str, finding: Finding) -> Candidate:
    return Candidate(source, finding.text, usable=False, advice=finding.advice)
