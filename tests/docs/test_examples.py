"""Examples in the pages work, and commands, options and modules in the text exist."""

import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from device.calibration import file as calibrations
from device.cli import cli
from device.config import load as configs
from device.decision.decision import Decision
from firmware_bridge.simulator.bus import Bus
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.simulator.wearer import Wearer
from tests.docs.pages import PAGES, ROOT, Block, blocks, commands, name, prose
from tests.docs.scratch import Scratch

LANGUAGES = {"sh", "toml", "json", "sql", "python", "hex", ""}
"""hex: tests/firmware_bridge/test_protocol.py. Without a name: output."""


def of(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def ids(value: object) -> str:
    return name(value.page) if isinstance(value, Block) else ""


def test_every_block_is_of_a_tested_language() -> None:
    assert {block.language for page in PAGES for block in blocks(page)} <= LANGUAGES


@pytest.mark.parametrize("block", of("toml"), ids=ids)
def test_settings_load(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "edgehar.toml"
    path.write_text(block.text)
    configs.load(path)


@pytest.mark.parametrize("block", of("json"), ids=ids)
def test_json_has_the_fields_of_the_program(block: Block, tmp_path: Path) -> None:
    if '"schema"' in block.text:
        path = tmp_path / "calibration.json"
        path.write_text(block.text)
        calibrations.read(path)
        return
    for record in map(json.loads, block.text.splitlines()):
        if "start_s" in record:
            assert list(record) == [field.name for field in fields(Decision)]


@pytest.mark.parametrize("block", of("sql"), ids=ids)
def test_sql_runs_on_a_history(block: Block, scratch: Scratch) -> None:
    with closing(sqlite3.connect(scratch.database)) as database:
        assert len(database.execute(block.text).fetchall()) > 100


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler (Debian packages gcc, libc6-dev)")
@pytest.mark.parametrize(
    "page", list(dict.fromkeys(block.page for block in of("python"))), ids=name
)
def test_python_runs(page: Path) -> None:
    samples, _ = Wearer(seed=1).samples([("walking", 5.0)])
    names: dict[str, Any] = {
        "samples": samples, "Bus": Bus, "I2cShim": I2cShim, "subprocess": subprocess, "os": os,
        "command": [sys.executable, "-c", ""],
    }  # fmt: skip
    for block in of("python"):
        if block.page == page:
            exec(block.text.replace("…", "reader.wait()"), names)  # noqa: S102 -- our own page


def test_the_example_settings_load_with_and_without_the_lines_commented_out(tmp_path: Path) -> None:
    path = ROOT / "examples/edgehar.toml"
    assert configs.load(path).mqtt is None
    on = re.sub(r"^#(?! |uri|$)", "", path.read_text(), flags=re.MULTILINE)
    (tmp_path / "edgehar.toml").write_text(on)
    assert configs.load(tmp_path / "edgehar.toml").mqtt is not None


def test_the_five_lines_are_those_of_the_page_and_recognise_walking() -> None:
    path = ROOT / "examples/five_lines.py"
    assert path.read_text() == next(
        block.text for block in of("python") if block.page.name == "PYTHON.md"
    )
    done = subprocess.run(
        [sys.executable, path], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert " ok walking\n" in done.stdout


def inline(page: Path) -> list[str]:
    """Return the code in the text, and the commands of the blocks."""
    text = prose(page)
    if page.name == "TROUBLESHOOTING.md":  # its quotations have a separate test
        text = re.sub(r"^\| .*? \|", "|", text, flags=re.MULTILINE)
    codes = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]
    return codes + [command.text for command in commands(page)]


def unknown_options(words: list[str]) -> set[str]:
    """Return the options among the words after `edgehar` that their command does not have."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] == "COMMAND":
            break
        below = command.get_command(click.Context(command), words[0])
        assert below is not None, words
        command, words = below, words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return {word.partition("=")[0] for word in words if word.startswith("--")} - known


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_in_the_pages_exist(page: Path) -> None:
    for code in inline(page):
        named = re.search(r"(?:^|/| )edgehar((?: [a-z-]+)+(?: .*)?| --?\w.*)$", code)
        if named and not code.startswith("systemd-analyze") and "systemctl" not in code:
            assert not unknown_options(named[1].split()), code


def examples_of(command: click.Command) -> Iterator[str]:
    """Yield the examples of --help of a command and of all commands below it."""
    yield from re.findall(
        r"^ +(edgehar .*?)(?: +#.*| +\\\\| &)?$", command.epilog or "", re.MULTILINE
    )
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below is not None
            yield from examples_of(below)


def test_options_in_the_examples_of_help_exist() -> None:
    examples = list(examples_of(cli))
    assert len(examples) > 30
    for example in examples:
        assert not unknown_options(example.split()[1:]), example


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_targets_modules_and_extras_in_the_pages_exist(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    makefiles = [ROOT / "Makefile", ROOT / "firmware_bridge/firmware/Makefile"]
    rules = "\n".join(path.read_text() for path in makefiles)
    for code in inline(page):
        if target := re.fullmatch(r"make ([\w./-]+)(?: \w+=\S+)*", code):
            wanted = target[1].replace(".venv", r"(?:\.venv|\$\(BIN\))")
            assert re.search(rf"^(?:[\w.-]+ )*{wanted}[ :]", rules, re.MULTILINE), code
        if module := re.fullmatch(r"python -m ([\w.]+)", code):
            assert importlib.util.find_spec(module[1]) is not None, code
        if extra := re.search(r"pip install '(?:edgehar|\.)\[(\w+)\]'", code):
            assert extra[1] in project["optional-dependencies"], code
