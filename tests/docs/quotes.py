"""What docs/TROUBLESHOOTING.md quotes, and all that the program can say."""

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
"""What differs: in a quotation as in a template."""
MOST = 300
"""Characters of a message; longer ones are whole files."""


def quoted() -> list[str]:
    """The code in the first column of the tables."""
    rows = re.findall(r"^\| (.*?) \| ", PAGE.read_text("utf-8"), re.MULTILINE)
    return [code for cell in rows for code in re.findall(r"`([^`]+)`", cell)]


def templates_in(path: Path) -> Iterator[str]:
    """Every string of a module, with ANY where a value is put in."""
    not_whole = set[int]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Expr):  # a docstring
            not_whole.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            not_whole |= {id(part) for part in node.values}
            parts = [part.value if isinstance(part, ast.Constant) else ANY for part in node.values]
            yield "".join(map(str, parts))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in not_whole
        ):
            yield re.sub(r"%[-+]?[.\d]*[a-z]|\{\w*\}", ANY, node.value).replace("%%", "%")


@cache
def templates() -> frozenset[str]:
    found = {template for path in SOURCES for template in templates_in(path)}
    for path in (ROOT / "Makefile", ROOT / ".ci/debian"):  # they speak Python and sh
        text = path.read_text("utf-8").replace('" + sys.version.split()[0]', ANY)
        found.add(text.replace("$missing", ANY))
    found |= {field.name for field in fields(Decision)}
    return frozenset(found | {os.strerror(number) for number in errno.errorcode})


@cache
def forms() -> list[re.Pattern[str]]:
    """The templates into which something is put."""
    return [
        re.compile(re.escape(template).replace(ANY, "(.*)"))
        for template in templates()
        if ANY in template and template.strip(ANY) and len(template) < MOST
    ]


@cache
def is_said(text: str) -> bool:
    """Whether the program can say this: as it is, as a part, or put together from such."""
    if not re.search(r"\w", text) or text in templates():
        return True
    if re.search(rf"[ {ANY}]", text) and any(text in template for template in templates()):
        return True
    found = (form.fullmatch(text) for form in forms())
    return any(all(map(is_said, match.groups())) for match in found if match)


def as_said(text: str) -> str:
    """What finds it in a line of the program's."""
    return re.escape(text).replace(ANY, ".*")
