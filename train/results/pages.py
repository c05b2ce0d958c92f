"""Writes results/NAME.json; updates the tables of README.md and docs/, and docs/CONFIG.md."""

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
    """Write the figures and their table to results/NAME.json."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    write_json(path, {**figures, "table": {"head": head, "rows": rows}})
    return path


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; its first column is text, the other columns are figures."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def render(page: str, folder: Path) -> str:
    """Fill every `<!-- table:NAME -->` ... `<!-- /table -->` from folder/NAME.json.

    SHORT_TABLES names the results for its tables. Raises InputError if results are missing or
    have no table.
    """

    def filled(match: re.Match[str]) -> str:
        text = markdown(*_table(match[1], folder))
        return f"<!-- table:{match[1]} -->\n{text}\n<!-- /table -->"

    return re.sub(r"<!-- table:([\w-]+) -->\n.*?<!-- /table -->", filled, page, flags=re.DOTALL)


def _table(name: str, folder: Path) -> Table:
    whole: tuple[tuple[str, ...], Callable[..., Table]] = ((name,), _whole_table)
    sources, make = SHORT_TABLES.get(name, whole)
    paths = [folder / f"{source}.json" for source in sources]
    try:
        return make(*(json.loads(path.read_text(encoding="utf-8")) for path in paths))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot make table {name!r} from {', '.join(map(str, paths))} ({error!r}); "
            "run its `edgehar report` first"
        ) from error


def _whole_table(figures: dict[str, Any]) -> Table:
    return figures["table"]["head"], figures["table"]["rows"]


def update_pages(*, check: bool) -> list[Path]:
    """Return the pages of README.md and docs/ that are out of date; update them unless `check`.

    Raises InputError if README.md or the results of a table are missing, or if a page cannot be
    written.
    """
    stale = []
    for path in (README, *sorted({*DOCS.glob("*.md"), config_page.PAGE})):
        try:
            old = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            if path == README:
                raise InputError("no README.md here; run this in the repository root") from error
            old = ""
        new = config_page.page() if path == config_page.PAGE else render(old, FOLDER)
        if new != old:
            stale.append(path)
            if not check:
                write_whole(path, new.encode())
    return stale
