"""The search for sensors: unusable ports and chips."""

import os
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from device.doctor import ports, search
from device.doctor.finding import Finding
from device.sources import serial


@pytest.mark.parametrize(
    "finding",
    [
        Finding("fail", "port", "no permission (it belongs to group dialout)", "sudo usermod -aG"),
        Finding("warn", ports.IN_USE, "/dev/ttyUSB0 is open in edgehar (7)", "stop that program"),
        Finding("warn", "port", "/dev/ttyUSB0 is the kernel's console", "raspi-config"),
    ],
)
def test_an_unusable_port_is_not_opened(monkeypatch: pytest.MonkeyPatch, finding: Finding) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(ports, "serial_ports", lambda: ("/dev/ttyUSB0",))
    monkeypatch.setattr(ports, "serial_port", lambda _: [finding])
    monkeypatch.setattr(serial, "SerialSource", opened)
    (found,) = search.serial_ports()
    assert (found.usable, found.description, found.advice) == (False, finding.text, finding.advice)


@pytest.mark.parametrize(("driver", "advised"), [("inv-mpu6050-i2c", True), ("rtc-ds1307", False)])
def test_only_the_sensors_driver_gets_advice(
    monkeypatch: pytest.MonkeyPatch, driver: str, advised: bool
) -> None:
    def bus(_: int, address: int) -> list[Finding]:
        there = Finding("ok", "bus", "there, and permitted")
        has_it = Finding("fail", "driver", f"the kernel's {driver} has the chip", "modprobe -r")
        return [there, has_it] if address == 0x68 else [there]

    monkeypatch.setattr(ports, "i2c_buses", lambda: (1,))
    monkeypatch.setattr(ports, "i2c_bus", bus)
    monkeypatch.setattr(ports, "chips", lambda _: [])
    (found,) = search.i2c_chips()
    assert found.source == "i2c:1:0x68"
    assert driver in found.description
    assert not found.usable
    assert bool(found.advice) == advised


def test_an_adapters_name_is_made_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = ListPortInfo("/dev/ttyUSB9")
    adapter.description = "CP2102\x1b[2J\r\n" + 100 * "x"
    monkeypatch.setattr(list_ports, "comports", lambda: [adapter])
    monkeypatch.setattr(ports, "serial_ports", lambda: ("/dev/ttyUSB9",))
    monkeypatch.setattr(ports, "serial_port", lambda _: [Finding("ok", "port", "there")])
    monkeypatch.setattr(search, "_greeted", lambda *_: 50.0)
    (found,) = search.serial_ports()
    assert found.usable
    assert found.description.startswith("CP2102[2Jxxx")
    assert found.description.isprintable()
    assert len(found.description) < 100


def test_the_headers_uart_is_found_by_its_stable_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adapter = ListPortInfo("/dev/ttyUSB9")
    monkeypatch.setattr(list_ports, "comports", lambda: [adapter])
    header = tmp_path / "serial0"
    monkeypatch.setattr(ports, "_HEADER", header)
    assert ports.serial_ports() == ("/dev/ttyUSB9",)
    header.symlink_to(os.devnull)
    assert ports.serial_ports() == (str(header), "/dev/ttyUSB9")
