import os
import re
import subprocess
import sys

import click
import pytest

from device import cli
from firmware_bridge.errors import EdgeharError, InputError
from tests.device.commands import Call
from tests.docs.pages import ROOT


def test_without_arguments_it_prints_the_help(call: Call) -> None:
    code, out, err = call()
    assert (code, err) == (0, "")
    assert "classify" in out


def test_version(call: Call) -> None:
    code, out, _ = call("--version")
    assert code == 0
    assert re.fullmatch(r"edgehar \d+\.\d+\.\d+\S*\n", out)


@pytest.mark.parametrize(
    "arguments",
    ["nope", "--nope", "classify", "run --nope", "doctor --seconds 0", "doctor --seconds x"],
)
def test_wrong_usage_is_one_line_and_exit_2(call: Call, arguments: str) -> None:
    code, out, err = call(*arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith("edgehar: ")
    assert err.count("\n") == 1
    assert "--help" in err


@pytest.mark.parametrize(
    "command",
    ["run", "doctor", "init --yes", "record --out a.csv", "calibrate --out a.json",
     "service install --dry-run --config none.toml"],
)  # fmt: skip
def test_a_wrong_source_is_one_line_and_exit_2(call: Call, command: str) -> None:
    code, out, err = call(*command.split(), "--source", "usb:1")
    assert (code, out) == (2, "")
    assert "source must be serial:PORT" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "number"),
    [(("classify", ""), 2), (("history", "--db", ""), 3), (("label", "--folder=", "--list"), 2)],
)
def test_an_empty_argument_is_refused(call: Call, arguments: tuple[str, ...], number: int) -> None:
    assert call(*arguments) == (
        2, "", f"edgehar: argument {number} is empty; is a shell variable not set?\n",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["init", "run", "classify", "record", "label", "demo", "bench"])
def test_every_help_has_an_example(call: Call, name: str) -> None:
    code, out, _ = call(name, "--help")
    assert code == 0
    assert f"edgehar {name}" in out.partition("Example")[2]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EdgeharError("the disk\nis on fire"), 1, "edgehar: the disk is on fire\n"),
        (InputError("the disk\nis on fire"), 2, "edgehar: the disk is on fire\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_our_errors_are_one_line_and_ctrl_c_is_130(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli.cli, "get_command", lambda *_: click.Command("run", callback=fail))
    found, out, err = call("run")
    assert (found, out, err.strip("\n")) == (code, "", message.strip("\n"))


@pytest.mark.parametrize("name", ["train", "convert"])
def test_a_missing_package_names_its_extra(
    call: Call, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def import_module(module: str) -> None:
        raise ModuleNotFoundError(
            f"No module named 'tensorflow' (from {module})", name="tensorflow.x"
        )

    monkeypatch.setattr(cli, "import_module", import_module)
    code, out, err = call(name)
    assert (code, out) == (1, "")
    assert "pip install 'edgehar[train]'" in err
    assert err.count("\n") == 1


def test_the_boards_commands_load_where_training_cannot() -> None:
    probe = """
import sys
for name in ("tensorflow", "keras", "scipy", "sklearn", "matplotlib"):
    sys.modules[name] = None
from device.cli import _exit_code
sys.exit(_exit_code(sys.argv[1:]))
"""
    for name, (entry, _) in cli._COMMANDS.items():
        if entry.startswith("device."):
            command = [sys.executable, "-c", probe, name, "--help"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("--help >/dev/full", 1, "edgehar: cannot write to standard output: No space left"),
        ("--help >&-", 0, ""),
        ("classify examples/wrist.csv.gz >&-", 0, ""),
        ("classify examples/wrist.csv.gz <&- >&- 2>&-", 0, ""),
        ("nope 2>/dev/full", 2, ""),
        ("nope 2>&-", 2, ""),
    ],
)
def test_a_full_or_closed_stream_never_gives_exit_code_120(
    command: str, code: int, says: str, unbuffered: str
) -> None:
    # PYTHONUNBUFFERED changes what is left to flush at the end.
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "from device.cli import main; main()" {command}',
         sys.executable],
        capture_output=True, text=True, check=False, timeout=60, cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert (done.returncode, done.stderr.startswith(says)) == (code, True)
    assert "Traceback" not in done.stderr


def test_a_group_without_a_command_names_its_commands(call: Call) -> None:
    code, out, err = call("models")
    assert (code, out) == (2, "")
    assert err == (
        "edgehar: edgehar models needs a command: activate, install, list, rollback;"
        " try 'edgehar models --help'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("clasify",), "classify"),
        (("models", "activat"), "activate"),
        (("bench", "decod"), "decode"),
        (("run", "--source", "/dev/ttyUSB0"), "serial:/dev/ttyUSB0"),
        (("run", "--source", "/dev/i2c-1"), "i2c:1"),
        (("run", "--source", "walk.csv.gz"), "recording:walk.csv.gz"),
        (("run", "--source", "seriel:/dev/ttyACM0"), "serial:/dev/ttyACM0"),
        (("classify", "walk.csv", "--model", "wirst"), "wrist"),
    ],
)
def test_a_misspelt_word_gets_a_suggestion(
    call: Call, arguments: tuple[str, ...], meant: str
) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert f"did you mean {meant}?" in err
    assert err.count("\n") == 1
