"""Every command of the pages is run, or is listed here with what runs it instead."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Command, commands, name
from tests.docs.scratch import LIVE, TRAINING, Scratch

RUN = {"base64", "edgehar", "head", "install", "openssl", "rm"}
"""Programs that may be started here; all else must be listed."""

SYSTEM = "changes the whole system"
NOT_RUN = {
    "make demo": ".ci/run, in a clean clone",
    "make test": ".ci/run",
    "make venv": ".ci/run, before the tests",
    "make lint": ".ci/run",
    "make test-fast": ".ci/run",
    "make test-system": ".ci/run",
    "make check": ".ci/run, as make lint and make test",
    "make bench": "minutes: tests/device/bench/test_bench.py",
    "make bundles": "hours of training: tests/train/wrist/test_final_fit.py",
    "make .venv/board": ".ci/run, for make demo",
    "sudo apt install python3-venv git make": SYSTEM,
    "sudo apt install python3-numpy": SYSTEM,
    'sudo usermod -aG dialout,i2c "$USER"': SYSTEM,
    'sudo usermod -aG i2c "$USER"': SYSTEM,
    "sudo raspi-config nonint do_i2c 0": "Raspberry Pi OS alone has it",
    "sudo raspi-config nonint do_serial_hw 0": "Raspberry Pi OS alone has it",
    "sudo raspi-config nonint do_serial_cons 1": "Raspberry Pi OS alone has it",
    ".venv/bin/edgehar init": "asks: tests/device/test_init.py",
    "sudo /opt/edgehar/bin/edgehar init": "asks: tests/device/test_init.py",
    "git pull": "for the next lines",
    "python3 -m venv --system-site-packages .venv && .venv/bin/pip install --editable .":
        "32 bit alone; what it makes there runs in tests/system/test_architectures.py",
    "i2cdetect -y 1": "the kernel's part: tests/system/test_guest.py",
    "sudo python3 -m venv /opt/edgehar": "tests/system/nspawn.py makes the same",
    "sudo /opt/edgehar/bin/pip install .": "tests/system/nspawn.py makes the same",
    "sudo /opt/edgehar/bin/edgehar service install --source serial:/dev/ttyUSB0 --dry-run":
        "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service install --source serial:/dev/ttyUSB0":
        "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service install": "tests/system/test_service.py",
    "/opt/edgehar/bin/edgehar service status": "tests/system/test_service.py",
    "systemctl status edgehar": "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service uninstall": "tests/system/test_service.py",
    "sudo /opt/edgehar/bin/edgehar service uninstall --purge": "tests/system/test_service.py",
    "sudo rm -r /opt/edgehar": SYSTEM,
    "sudo apt install gcc-avr avr-libc make avrdude": SYSTEM,
    "cd firmware_bridge/firmware": "for the next line",
    "make": "in firmware_bridge/firmware: tests/system/test_firmware.py",
    "make flash PORT=/dev/ttyUSB0": "needs the board; below it is asked what it would do",
    "avrdude -c arduino -p m328p -P /dev/ttyUSB0 -b 115200"
    " -U flash:w:build/avr-16/edgehar.hex:i": "needs the board",
}  # fmt: skip
"""Why not as it stands, or by what else."""
MAY_FAIL = {"edgehar doctor": {0, 1}}
"""Other exit codes than 0, as they are documented: a machine of tests has no sensor."""


def programs(text: str) -> set[str]:
    parts = re.split(r"[|;&]+", text.replace("sudo ", ""))
    return {part.split()[0].rpartition("/")[2] for part in parts}


TO_RUN = [
    (page, command)
    for page in PAGES
    for command in commands(page)
    if command.text not in NOT_RUN and programs(command.text) <= RUN
]


def test_what_is_not_run_is_in_the_pages_and_its_reason_is_there() -> None:
    assert set(NOT_RUN) <= {command.text for page in PAGES for command in commands(page)}
    for reason in NOT_RUN.values():
        for word in reason.replace(",", " ").split():
            assert not word.startswith(("tests/", ".ci/")) or (ROOT / word).exists(), word


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_is_of_a_program_that_may_be_run_or_is_listed(page: Path) -> None:
    for command in commands(page):
        assert command.text in NOT_RUN or programs(command.text) <= RUN, (
            f"{name(page)}: {command.text}: run it, or say why not"
        )


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_flash_would_run_what_the_page_says_that_it_runs() -> None:
    make = ["make", "-n", "-C", "firmware_bridge/firmware", "flash", "PORT=/dev/ttyUSB0"]
    would = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (said,) = [text for text in NOT_RUN if text.startswith("avrdude ")]
    assert said in would.splitlines()


def kind(command: Command) -> str:
    if TRAINING.search(command.text):
        return "train"
    return "wait" if LIVE.search(command.text) else "end"


def pages_with(wanted: str) -> list[Path]:
    return list(dict.fromkeys(page for page, command in TO_RUN if kind(command) == wanted))


def check(scratch: Scratch, page: Path, wanted: str) -> None:
    for command in [one for where, one in TO_RUN if where == page and kind(one) == wanted]:
        done = scratch.run(command.text)
        said = f"{name(page)}: {command.text}\n{done.out[-500:]}\n{done.log[-2000:]}"
        assert done.code in MAY_FAIL.get(command.text, {0}), said
        assert "Traceback" not in done.log, said


@pytest.mark.parametrize("page", pages_with("end"), ids=name)
def test_commands_that_end(page: Path, scratch: Scratch) -> None:
    check(scratch, page, "end")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
@pytest.mark.parametrize("page", pages_with("wait"), ids=name)
def test_commands_that_wait(page: Path, scratch: Scratch) -> None:
    check(scratch, page, "wait")


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("page", pages_with("train"), ids=name)
def test_commands_that_train(page: Path, scratch: Scratch, data_dir: Path) -> None:
    scratch.data = data_dir
    check(scratch, page, "train")
