"""The quotations in docs/TROUBLESHOOTING.md, and the texts of the program."""

import ast
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

from device.decision.decision import Decision
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "TROUBLESHOOTING.md"
SOURCES = [
    path
    for package in ("device", "firmware_bridge")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "bench" not in path.parts
]
ANY = "…"
"""Stands for a text that varies, in a quotation and in a template."""
MOST = 300
"""Characters of a message; longer ones are whole files."""


def quoted() -> list[str]:
    """Return the code in the first column of the tables."""
    rows = re.findall(r"^\| (.*?) \| ", PAGE.read_text("utf-8"), re.MULTILINE)
    return [code for cell in rows for code in re.findall(r"`([^`]+)`", cell)]


def templates_in(path: Path) -> Iterator[str]:
    """Yield every string of a module, with ANY in place of inserted values."""
    skipped = set[int]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Expr):  # a docstring
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            parts = [part.value if isinstance(part, ast.Constant) else ANY for part in node.values]
            yield "".join(map(str, parts))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in skipped
        ):
            yield re.sub(r"%[-+]?[.\d]*[a-z]|\{\w*\}", ANY, node.value).replace("%%", "%")


@cache
def templates() -> frozenset[str]:
    texts = {template for path in SOURCES for template in templates_in(path)}
    for path in (ROOT / "Makefile", ROOT / ".ci/debian"):  # with texts in Python and sh
        text = path.read_text("utf-8").replace('" + sys.version.split()[0]', ANY)
        texts.add(text.replace("$missing", ANY))
    texts |= {field.name for field in fields(Decision)}
    return frozenset(texts | {os.strerror(number) for number in errno.errorcode})


@cache
def forms() -> list[re.Pattern[str]]:
    """Return the templates with inserted values."""
    return [
        re.compile(re.escape(template).replace(ANY, "(.*)"))
        for template in templates()
        if ANY in template and template.strip(ANY) and len(template) < MOST
    ]


@cache
def is_text_of_the_program(text: str) -> bool:
    """Return whether the program has this text: whole, as a part, or composed of such texts."""
    if not re.search(r"\w", text) or text in templates():
        return True
    if re.search(rf"[ {ANY}]", text) and any(text in template for template in templates()):
        return True
    matches = (form.fullmatch(text) for form in forms())
    return any(all(map(is_text_of_the_program, match.groups())) for match in matches if match)


def as_pattern(text: str) -> str:
    """Return a pattern that finds the quotation in a line of the program."""
    return re.escape(text).replace(ANY, ".*")
