"""docs/CONFIG.md: what each key means, and what it must be, in the words of its check."""

from pathlib import Path
from typing import Final

from device import checks
from device.config import CHECKS
from device.settings import SECTIONS, SETTINGS

PAGE: Final = Path("docs/CONFIG.md")
_HEAD: Final = """\
# The settings

`edgehar run --config FILE` takes its settings from one TOML file, and so do `classify`, `doctor`,
`models`, `dashboard` and `service`; the service's is `/etc/edgehar.toml`. Every key is optional,
but a source must be named, here or by `--source`. What cannot be used is named with its line, and
nothing starts. A service takes a changed file at `sudo systemctl reload edgehar`
([some keys need more](SERVICE.md#new-settings)). Options on the command line win.

This page is made from the settings' schema by `edgehar report readme`; do not edit it here.
"""
_EXAMPLE: Final = """
## All of them in one file

Values are the defaults where there are any. Take the lines that you need; three often do.
"""
_WRONG: Final = ("+", 0)
"""No check takes both."""


def page() -> str:
    """Return the page, Markdown."""
    tables = [
        _table(section, [key for key in CHECKS if key.rpartition(".")[0] == section])
        for section in SECTIONS
    ]
    return "".join([_HEAD, *tables, _EXAMPLE, "\n```toml\n", example(), "```\n"])


def example() -> str:
    """Return a file with every key in it."""
    lines, last = [], ""
    for key in CHECKS:
        section, _, name = key.rpartition(".")
        if section != last:
            lines += ["", f"[{section}]"]
            last = section
        lines.append(f"{name} = {SETTINGS[key].example}")
    return "\n".join(lines) + "\n"


def must_be(key: str) -> str:
    """Say what a value must be, as the check does when it refuses one."""
    for value in _WRONG:
        try:
            CHECKS[key](value)
        except checks.RefusedError as must:
            return str(must).removeprefix("be ")
    raise ValueError(f"{key} takes anything")


def _table(section: str, keys: list[str]) -> str:
    title = f"`[{section}]`" if section else "Above all sections"
    rows = [
        (f"`{key.rpartition('.')[2]}`", SETTINGS[key].meaning, must_be(key), SETTINGS[key].default)
        for key in keys
    ]
    cells = [("key", "what it is", "it must be", "default"), ("---",) * 4, *rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return "\n".join(["", f"## {title}", SECTIONS[section], "", *lines, ""])
