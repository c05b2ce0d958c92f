"""docs/CONFIG.md: each key with its meaning, its allowed values and its default."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Final

from device.config import checks
from device.config.broker import Broker
from device.config.limits import HistoryLimits
from device.config.load import Config
from device.config.reference import KEYS, SECTIONS

PAGE: Final = Path("docs/CONFIG.md")
_HEAD: Final = """\
# The settings

The settings are one TOML file. Commands look for the file in this order and name the file that
they use:

1. `--config FILE`
2. the environment variable `EDGEHAR_CONFIG`
3. `~/.config/edgehar/edgehar.toml` (or below `$XDG_CONFIG_HOME`), which `edgehar init` writes
4. `/etc/edgehar.toml`, the file of the service

`edgehar service` uses `/etc/edgehar.toml` unless `--config` names another file. Every key is
optional, but the settings or `--source` must name a source. If a value is not valid, the command
stops with an error that names the line. A service reads a changed file after
`sudo systemctl reload edgehar` ([some keys need a restart](SERVICE.md#new-settings)). Options on
the command line override the file.

`edgehar report readme` makes this page from the schema of the settings; do not edit it here.
"""
_EXAMPLE: Final = """
## All settings in one file

Each value is the default if the key has a default. Copy the lines that you need; three are often
enough.
"""
_WRONG: Final = ("+", 0)
"""Values for an error message: each check refuses at least one of them."""


def page() -> str:
    """Return the page, Markdown."""
    tables = [
        _table(section, [key for key in KEYS if key.rpartition(".")[0] == section])
        for section in SECTIONS
    ]
    return "".join([_HEAD, *tables, _EXAMPLE, "\n```toml\n", example(), "```\n"])


def example() -> str:
    """Return a settings file with every key."""
    lines, last = [], ""
    for key in KEYS:
        section, _, name = key.rpartition(".")
        if section != last:
            lines += ["", f"[{section}]"]
            last = section
        lines.append(f"{name} = {KEYS[key].example}")
    return "\n".join(lines) + "\n"


def must_be(key: str) -> str:
    """Return the condition for a value of the key, in the words of its check's error."""
    for value in _WRONG:
        try:
            KEYS[key].check(value)
        except checks.RefusedError as must:
            return str(must).removeprefix("be ")
    raise ValueError(f"the check of {key} accepts every value of {_WRONG}")


def default(key: str) -> str:
    """Return the default in words if the key has such words, else the default of its field."""
    if (words := KEYS[key].default) is not None:
        return words
    owner, _, name = KEYS[key].field.rpartition(".")
    kind = {"": Config, "history": HistoryLimits, "mqtt": Broker}[owner]
    (value,) = (field.default for field in fields(kind) if field.name == name)
    return "none" if value in {None, MISSING} else f"`{json.dumps(value)}`"


def _table(section: str, keys: list[str]) -> str:
    title = f"`[{section}]`" if section else "Above all sections"
    rows = [
        (f"`{key.rpartition('.')[2]}`", KEYS[key].meaning, must_be(key), default(key))
        for key in keys
    ]
    cells = [("key", "meaning", "must be", "default"), ("---",) * 4, *rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return "\n".join(["", f"## {title}", SECTIONS[section], "", *lines, ""])
