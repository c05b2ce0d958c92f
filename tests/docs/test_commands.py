"""Runs every command of the pages, except those listed here with a reason."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Command, commands, name
from tests.docs.scratch import LIVE, TRAINING, Scratch

RUN = {"base64", "edgehar", "head", "install", "openssl", "rm"}
"""Programs that may run here; a command of any other program must be listed."""

REASONS = {
    ".ci/run": (
        "make demo", "make test", "make venv", "make lint", "make test-fast", "make test-system",
        "make check", "make .venv/board",
    ),
    "minutes: tests/device/bench/test_bench.py": ("make bench",),
    "hours of training: tests/train/wrist/test_final_fit.py": ("make bundles",),
    "changes the whole system": (
        "sudo apt install python3-venv git make", "sudo apt install python3-numpy",
        'sudo usermod -aG dialout,i2c "$USER"', "sudo rm -r /opt/edgehar",
        "sudo apt install gcc-avr avr-libc make avrdude",
    ),
    "only on Raspberry Pi OS": (
        "sudo raspi-config nonint do_i2c 0", "sudo raspi-config nonint do_serial_hw 0",
        "sudo raspi-config nonint do_serial_cons 1",
    ),
    "asks questions: tests/device/commands/test_init.py": (
        ".venv/bin/edgehar init", "sudo /opt/edgehar/bin/edgehar init",
    ),
    "needed for the next lines": ("git pull", "cd firmware_bridge/firmware"),
    "only on 32 bit: tests/system/test_architectures.py runs the same packages": (
        "python3 -m venv --system-site-packages .venv && .venv/bin/pip install --editable .",
    ),
    "uses the kernel: tests/system/test_guest.py": ("i2cdetect -y 1",),
    "tests/system/nspawn.py makes the same": (
        "sudo python3 -m venv /opt/edgehar", "sudo /opt/edgehar/bin/pip install .",
    ),
    "tests/system/test_service.py": (
        "sudo /opt/edgehar/bin/edgehar service install --source serial:/dev/ttyUSB0 --dry-run",
        "sudo /opt/edgehar/bin/edgehar service install --source serial:/dev/ttyUSB0",
        "sudo /opt/edgehar/bin/edgehar service install",
        "/opt/edgehar/bin/edgehar service status", "systemctl status edgehar",
        "sudo /opt/edgehar/bin/edgehar service uninstall --purge",
    ),
    "in firmware_bridge/firmware: tests/system/test_firmware.py": ("make",),
    "needs the board; the test of make flash compares the two": (
        "make flash PORT=/dev/ttyUSB0",
        ("avrdude -c arduino -p m328p -P /dev/ttyUSB0 -b 115200"
         " -U flash:w:build/avr-16/edgehar.hex:i"),
    ),
}  # fmt: skip
"""Reasons not to run commands here, or the place that runs them."""
NOT_RUN = {command: reason for reason, those in REASONS.items() for command in those}
MAY_FAIL = {"edgehar doctor": {0, 1}}
"""Documented exit codes: a machine without a sensor gives 1."""


def programs(text: str) -> set[str]:
    parts = re.split(r"[|;&]+", text.replace("sudo ", ""))
    return {part.split()[0].rpartition("/")[2] for part in parts}


TO_RUN = [
    (page, command)
    for page in PAGES
    for command in commands(page)
    if command.text not in NOT_RUN and programs(command.text) <= RUN
]


def test_a_listed_command_is_in_the_pages_and_its_reason_exists() -> None:
    assert set(NOT_RUN) <= {command.text for page in PAGES for command in commands(page)}
    for reason in NOT_RUN.values():
        for word in reason.replace(",", " ").split():
            assert not word.startswith(("tests/", ".ci/")) or (ROOT / word).exists(), word


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_command_may_be_run_or_is_listed(page: Path) -> None:
    for command in commands(page):
        assert command.text in NOT_RUN or programs(command.text) <= RUN, (
            f"{name(page)}: {command.text}: run it, or say why not"
        )


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_flash_would_run_the_command_of_the_page() -> None:
    make = ["make", "-n", "-C", "firmware_bridge/firmware", "flash", "PORT=/dev/ttyUSB0"]
    plan = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = [text for text in NOT_RUN if text.startswith("avrdude ")]
    assert command in plan.splitlines()


def kind(command: Command) -> str:
    if TRAINING.search(command.text):
        return "train"
    return "wait" if LIVE.search(command.text) else "end"


def pages_with(wanted: str) -> list[Path]:
    return list(dict.fromkeys(page for page, command in TO_RUN if kind(command) == wanted))


def check(scratch: Scratch, page: Path, wanted: str) -> None:
    for command in [one for where, one in TO_RUN if where == page and kind(one) == wanted]:
        done = scratch.run(command.text)
        output = f"{name(page)}: {command.text}\n{done.out[-500:]}\n{done.log[-2000:]}"
        assert done.code in MAY_FAIL.get(command.text, {0}), output
        assert "Traceback" not in done.log, output


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
