"""Every command of the pages is run, or is listed here with what runs it instead."""

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Command, commands, name
from tests.docs.scratch import LIVE, Scratch

RUN = {"base64", "edgehar", "head", "install", "openssl"}
"""Programs that may be started here; all else must be listed."""

SYSTEM = "changes the system: tests/system/"
NOT_RUN = {
    "make demo": "tests/device/test_demo.py",
    "make test": "is what runs this",
    "make venv": "an installation of minutes; whoever runs this has done it",
    "make bundles": "hours of training: tests/train/test_ship.py, tests/convert/test_export.py",
    "make .venv/board": "an installation: tests/system/test_architectures.py",
    "sudo apt install python3-venv git make": SYSTEM,
    "sudo apt install python3-numpy": SYSTEM,
    'sudo usermod -aG dialout,i2c "$USER"': SYSTEM,
    'sudo usermod -aG i2c "$USER"': SYSTEM,
    "sudo raspi-config nonint do_i2c 0": "Raspberry Pi OS alone has it",
    "python3 -m venv --system-site-packages .venv && .venv/bin/pip install --editable .":
        "an installation: tests/system/test_architectures.py",
    ".venv/bin/edgehar train --data DIR --out runs/mine": "tests/train/test_commands.py",
    ".venv/bin/edgehar evaluate runs/mine --data DIR": "tests/train/test_commands.py",
    ".venv/bin/edgehar convert runs/mine --name mine --out mine.tflite":
        "tests/convert/test_export.py",
    "i2cdetect -y 1": "tests/firmware_bridge/simulator/test_shim.py",
    "sudo python3 -m venv /opt/edgehar": "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/pip install .": "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service install --source serial:/dev/ttyUSB0 --dry-run":
        "tests/device/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service install --source serial:/dev/ttyUSB0":
        "tests/system/test_service.py",
    "/opt/edgehar/bin/edgehar service status": "tests/system/test_service.py",
    "systemctl status edgehar": "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service uninstall": "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service uninstall --purge": "tests/system/test_service.py",
    "sudo apt install gcc-avr avr-libc make avrdude": SYSTEM,
    "cd firmware_bridge/firmware": "for the next line",
    "make": "in firmware_bridge/firmware: tests/system/test_firmware.py",
    "make flash PORT=/dev/ttyUSB0": "needs the board; prints the next line's command",
    "avrdude -c arduino -p m328p -P /dev/ttyUSB0 -b 115200"
    " -U flash:w:build/avr-16/edgehar.hex:i": "needs the board",
}  # fmt: skip
"""Why not as it stands, or by what else."""
MAY_FAIL = {"edgehar doctor": {0, 1}}
"""Other exit codes than 0, as they are documented: a machine of tests has no sensor."""

TO_RUN = [(page, command) for page in PAGES for command in commands(page)
          if command.text not in NOT_RUN]  # fmt: skip


def test_what_is_not_run_is_in_the_pages_and_its_reason_is_there() -> None:
    assert set(NOT_RUN) <= {command.text for page in PAGES for command in commands(page)}
    for reason in NOT_RUN.values():
        for word in reason.replace(",", " ").split():
            assert not word.startswith("tests/") or (ROOT / word).exists(), word


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_is_of_a_program_that_may_be_run_or_is_listed(page: Path) -> None:
    for command in commands(page):
        assert command.text in NOT_RUN or programs(command.text) <= RUN, (
            f"{name(page)}: {command.text}: run it, or say why not"
        )


def programs(text: str) -> set[str]:
    parts = re.split(r"[|;&]+", text.replace("sudo ", ""))
    return {part.split()[0].rpartition("/")[2] for part in parts}


def pages_with(*, live: bool) -> list[Path]:
    found = [page for page, command in TO_RUN if bool(LIVE.search(command.text)) == live]
    return list(dict.fromkeys(found))


def check(scratch: Scratch, page: Path, *, live: bool) -> None:
    for command in [one for where, one in TO_RUN if where == page]:
        if bool(LIVE.search(command.text)) == live:
            check_one(scratch, command)


def check_one(scratch: Scratch, command: Command) -> None:
    done = scratch.run(command.text)
    said = f"{name(command.page)}: {command.text}\n{done.out[-500:]}\n{done.log[-2000:]}"
    assert done.code in MAY_FAIL.get(command.text, {0}), said
    assert "Traceback" not in done.log, said


@pytest.mark.parametrize("page", pages_with(live=False), ids=name)
def test_commands_that_end(page: Path, scratch: Scratch) -> None:
    check(scratch, page, live=False)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
@pytest.mark.parametrize("page", pages_with(live=True), ids=name)
def test_commands_that_wait(page: Path, scratch: Scratch) -> None:
    check(scratch, page, live=True)
