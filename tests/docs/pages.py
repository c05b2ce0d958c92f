"""Reads the pages: blocks, commands, text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(set(ROOT.glob("*.md")) - {ROOT / "README.md"}),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "firmware_bridge").rglob("*.md")),
    *sorted((ROOT / "train").glob("*.md")),
]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    page: Path
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page, as a user types it."""

    page: Path
    text: str


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    assert text.count("\n```") % 2 == 0, f"{name(page)}: a fence is not closed"
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page, match[1], match[2])


def commands(page: Path) -> list[Command]:
    """Return the lines of `sh` blocks, and the lines after `$ ` in other blocks."""
    typed = []
    for block in blocks(page):
        text = block.text.replace("\\\n", " ")
        if block.language != "sh":
            text = "\n".join(re.findall(r"^\$ (.*)$", text, re.MULTILINE))
        typed += [Command(page, line) for line in map(_plain, text.splitlines()) if line]
    return typed


def prose(page: Path) -> str:
    """Return the page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def _plain(line: str) -> str:
    """Return a line without its comment, with single spaces."""
    quoted = ""
    for at, character in enumerate(line):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "'\"":
            quoted = character
        elif character == "#" and (at == 0 or line[at - 1].isspace()):
            line = line[:at]
            break
    return " ".join(line.split())
