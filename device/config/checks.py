"""Checks of single settings. Each takes a value from TOML and returns the value to use.

Each check raises RefusedError.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Final

_MOST_TOPIC_BYTES: Final = 200
_TYPED: Final = 2e-3
"""Largest deviation from a rotation, for rows typed to three decimals."""
_EXACT: Final = 1e-6


Row = tuple[float, float, float]
Rotation = tuple[Row, Row, Row]


class RefusedError(ValueError):
    """The value is refused; the message says what it must be, as in "be true or false"."""

    def __init__(self, must: str, meant: str = "") -> None:
        """Take `meant`, "; did you mean …?", for a value that is close to a valid one."""
        super().__init__(must)
        self.meant = meant


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
    name = text(value)
    if set(name) & set("+#") or name.startswith(("/", "$")) or name.endswith("/"):
        raise RefusedError("be an MQTT topic such as edgehar/wrist, without + and #")
    if len(name.encode()) > _MOST_TOPIC_BYTES:
        raise RefusedError(f"be at most {_MOST_TOPIC_BYTES} bytes")
    return name


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
    except (RefusedError, RuntimeError) as error:  # RuntimeError: ~ of an unknown user
        raise RefusedError("be the path of a file or folder") from error


def listen(value: object) -> tuple[str, int]:
    """Take an address and port; without an address it is 127.0.0.1."""
    address, _, port = text(value).rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not 1 <= int(port) <= 65535:
        raise RefusedError("be ADDRESS:PORT, such as 127.0.0.1:9464")
    return address.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def rotation(value: object) -> Rotation:
    """Take three rows of three numbers that are a proper rotation.

    Rows typed to three decimals become the nearest exact rotation.
    """
    import numpy as np  # noqa: PLC0415 -- 20 MB, and most settings have no rotation

    try:
        plain = not any(isinstance(cell, str | bool) for cell in np.array(value, object).ravel())
        matrix = np.array(value, np.float64) if plain else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        matrix = np.empty(0)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise RefusedError("be three rows of three numbers that make a rotation")
    # The bound is checked first, because a product of huge numbers would overflow.
    bounded = np.abs(matrix).max() <= 1 + _TYPED
    off = np.abs(matrix @ matrix.T - np.eye(3)).max() if bounded else np.inf
    if off > _TYPED:
        raise RefusedError("be a rotation: rows of length 1 at right angles to each other")
    if np.linalg.det(matrix) < 0:
        raise RefusedError("be a rotation, but these rows mirror (change the sign of one row)")
    if off > _EXACT:
        left, _, right = np.linalg.svd(matrix)
        matrix = left @ right
    x, y, z = (tuple(row) for row in matrix.tolist())
    return x, y, z
