"""What single settings must be: a value as TOML gave it in, the value to use out.

Each check raises RefusedError.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

_MOST_TOPIC_BYTES: Final = 200


class RefusedError(ValueError):
    """What a value must be instead."""


def text(value: object) -> str:
    """Take printable text."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise RefusedError("be text")
    return value


def whole(low: int, high: int) -> Callable[[object], int]:
    """Return a check for a whole number from low to high."""

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise RefusedError(f"be a whole number from {low} to {high}")
        return value

    return check


def flag(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise RefusedError("be true or false")
    return value


def topic(value: object) -> str:
    """Take an MQTT topic to publish under."""
    found = text(value)
    if set(found) & set("+#") or found.startswith(("/", "$")) or found.endswith("/"):
        raise RefusedError("be an MQTT topic such as edgehar/wrist, without + and #")
    if len(found.encode()) > _MOST_TOPIC_BYTES:
        raise RefusedError(f"be at most {_MOST_TOPIC_BYTES} bytes")
    return found


def discovery(value: object) -> str | None:
    """Take a topic, or false for None."""
    if value is False:
        return None
    try:
        return topic(value)
    except RefusedError as must:
        raise RefusedError(f"{must}; or false") from must


def path(value: object) -> Path:
    """Take a file or folder."""
    try:
        return Path(text(value)).expanduser()
    except (RefusedError, RuntimeError) as error:  # RuntimeError: ~ of a user that is not there
        raise RefusedError("be the path of a file or folder") from error


def listen(value: object) -> tuple[str, int]:
    """Take an address and port; without an address it is 127.0.0.1."""
    address, _, port = text(value).rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not 1 <= int(port) <= 65535:
        raise RefusedError("be ADDRESS:PORT, such as 127.0.0.1:9464")
    return address.strip("[]") or "127.0.0.1", int(port)
