"""Writes results/NAME.json, and fills the tables of README.md and docs/ from these files.

docs/CONFIG.md is generated as a whole.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json, write_whole
from train.results import config_page
from train.results.short_tables import SHORT_TABLES, Table

FOLDER = Path("results")
README = Path("README.md")
DOCS = Path("docs")


def write(name: str, figures: dict[str, Any], head: list[str], rows: list[list[str]]) -> Path:
    """Write results/NAME.json: the figures, and the table for the pages."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    write_json(path, {**figures, "table": {"head": head, "rows": rows}})
    return path


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are figures."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def render(page: str, folder: Path) -> str:
    """Fill every `<!-- table:NAME -->` ... `<!-- /table -->` from folder/NAME.json.

    A name in SHORT_TABLES is made from the results that stand there.

    Raises:
        InputError: a table's results are missing or hold no table.

    """

    def filled(match: re.Match[str]) -> str:
        text = markdown(*_table(match[1], folder))
        return f"<!-- table:{match[1]} -->\n{text}\n<!-- /table -->"

    return re.sub(r"<!-- table:([\w-]+) -->\n.*?<!-- /table -->", filled, page, flags=re.DOTALL)


def _table(name: str, folder: Path) -> Table:
    of_its_own: tuple[tuple[str, ...], Callable[..., Table]] = ((name,), _own_table)
    sources, make = SHORT_TABLES.get(name, of_its_own)
    paths = [folder / f"{source}.json" for source in sources]
    try:
        return make(*(json.loads(path.read_text(encoding="utf-8")) for path in paths))
    except (OSError, ValueError, KeyError, TypeError) as error:
        places = ", ".join(map(str, paths))
        raise InputError(
            f"{places}: no table for {name!r} ({error!r}); make its report first"
        ) from error


def _own_table(figures: dict[str, Any]) -> Table:
    return figures["table"]["head"], figures["table"]["rows"]


def update_pages(*, check: bool) -> list[Path]:
    """Return the pages of README.md and docs/ that are out of date; update them unless `check`.

    Raises:
        InputError: there is no README here, or a table has no results.
        EdgeharError: a page cannot be written.

    """
    stale = []
    for path in (README, *sorted({*DOCS.glob("*.md"), config_page.PAGE})):
        try:
            old = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            if path == README:
                raise InputError("no README.md here; run this in the repository's root") from error
            old = ""
        new = config_page.page() if path == config_page.PAGE else render(old, FOLDER)
        if new != old:
            stale.append(path)
            if not check:
                write_whole(path, new.encode())
    return stale
