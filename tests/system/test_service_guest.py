"""The service in a guest with its own kernel: udev, allowed devices."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.wearer import Wearer
from tests.system.guest import Guest, wait_until
from tests.system.test_guest import I2C, Put

pytestmark = pytest.mark.system

UNIT = "/etc/systemd/system/edgehar.service"


@pytest.fixture
def board(guest: Guest) -> Iterator[Guest]:
    """The guest, without the other tests' unit of the same name."""
    guest.run(f"systemctl stop edgehar; mv {UNIT} /run/kept.service")
    yield guest
    print(guest.ask("journalctl --no-pager --output=cat --unit=edgehar | tail -20")[1])
    guest.ask("edgehar service uninstall --purge")
    guest.run(f"mv /run/kept.service {UNIT}; systemctl daemon-reload")


def says(guest: Guest, words: str) -> bool:
    return words in guest.run("systemctl show edgehar --property=StatusText")


def test_a_usb_port_gets_a_permanent_name(board: Guest, tmp_path: Path) -> None:
    plan = board.run("edgehar service install --source serial:/dev/ttyUSB0", timeout_s=180)
    assert "recognised by its adapter's serial number" in plan
    assert board.run("readlink -f /dev/edgehar-wrist").strip() == "/dev/ttyUSB0"
    assert 'uri = "serial:/dev/edgehar-wrist"' in board.run("cat /etc/edgehar.toml")
    again = board.run("edgehar service install", timeout_s=180)
    assert "write" not in again
    recording = tmp_path / "walk.csv"
    with RecordingWriter(recording) as writer:
        writer.write(Wearer(seed=6).samples([("walking", 480.0)])[0])
    command = [*PROGRAM, "play", str(recording), "--port", str(board.serial_port), "--speed", "4"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as player:
        wait_until(lambda: says(board, "% sure"), "a decision", 90)
        player.kill()
    board.run("edgehar service uninstall --purge", timeout_s=180)
    left = "ls /dev/edgehar-wrist /var/lib/edgehar /etc/edgehar.toml 2>/dev/null"
    assert board.ask(left)[1] == ""


def test_the_service_can_open_the_sensor_and_no_other_device(board: Guest, put: Put) -> None:
    put(feed.turning(40.0))
    board.run(f"edgehar service install --source {I2C}", timeout_s=180)
    wait_until(lambda: says(board, "sure") or says(board, "unknown"), "a decision", 40)
    # A shell with the unit's settings, in place of its program: groups alone do not decide.
    drop = "/run/systemd/system/edgehar.service.d"
    tries = "for d in /dev/i2c-0 /dev/ttyUSB0; do (: <>$d) 2>/dev/null && echo $d; done; id -un"
    lines = (
        "[Service]", "Type=exec", "Restart=no", "WatchdogSec=0", "ExecStart=",
        f'ExecStart=/bin/bash -c "{tries.replace("$", "$$")}"',
        "StandardOutput=truncate:/run/tried",
    )  # fmt: skip
    quoted = " ".join(f"'{line}'" for line in lines)
    board.run(f"mkdir -p {drop} && printf '%s\\n' {quoted} >{drop}/tries.conf")
    board.run("systemctl daemon-reload && systemctl restart edgehar")
    wait_until(lambda: "edgehar" in board.ask("cat /run/tried")[1], "tried", 20)
    assert board.run("cat /run/tried").split() == ["/dev/i2c-0", "edgehar"]
    board.run(f"rm -r {drop} && systemctl daemon-reload")
