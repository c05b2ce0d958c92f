"""Results that the README quotes: results/NAME.json, each with its table, put between markers."""

import json
import re
from pathlib import Path
from typing import Any

from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json, write_whole

FOLDER = Path("results")
README = Path("README.md")


def write(name: str, figures: dict[str, Any], head: list[str], rows: list[list[str]]) -> Path:
    """Write results/NAME.json with its figures and the table that the README shows of them."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    write_json(path, {**figures, "table": {"head": head, "rows": rows}})
    return path


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Lay out a table; the first column is text, the others figures."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def render(readme: str, folder: Path) -> str:
    """Fill every `<!-- table:NAME -->` ... `<!-- /table -->` from folder/NAME.json.

    Raises:
        InputError: a table's results are missing or hold no table.

    """

    def filled(match: re.Match[str]) -> str:
        path = folder / f"{match[1]}.json"
        try:
            table = json.loads(path.read_text(encoding="utf-8"))["table"]
            text = markdown(table["head"], table["rows"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: no table for the README's {match[1]!r} ({error!r}); make its report first"
            ) from error
        return f"<!-- table:{match[1]} -->\n{text}\n<!-- /table -->"

    return re.sub(r"<!-- table:([\w-]+) -->\n.*?<!-- /table -->", filled, readme, flags=re.DOTALL)


def update_readme(*, check: bool) -> bool:
    """Bring the README's tables up to date, or only look; say whether they were.

    Raises:
        InputError: there is no README here, or a table has no results.
        EdgeharError: the README cannot be written.

    """
    try:
        old = README.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError("no README.md here; run this in the repository's root") from error
    new = render(old, FOLDER)
    if new != old and not check:
        write_whole(README, new.encode())
    return new == old
