"""Checks JSON objects against dataclasses: every field present, none unknown, numbers in range."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from firmware_bridge.errors import InputError


def matching(kind: type, values: object, what: str) -> dict[str, Any]:
    """Return `values`, a JSON object, if it has exactly the fields of the dataclass `kind`.

    Raises InputError. An unknown field is refused: it may need a step that this version lacks.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{what}: must be a table of names and values")
    names = {field.name for field in fields(kind)}
    if missing := sorted(names - set(values)):
        raise InputError(f"{what}: {missing[0]} is missing")
    if unknown := sorted(set(values) - names):
        raise InputError(f"{what}: {unknown[0]!r} is not known to this version; update edgehar")
    return dict(values)


def number(what: str, value: object, low: float, high: float) -> float:
    """Return a number from low to high as a float; raises InputError."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not low <= value <= high:  # type: ignore[operator]  # plain says it is a number
        raise InputError(f"{what} is {_short(value)}, it must be a number from {low:g} to {high:g}")
    return float(value)  # type: ignore[arg-type]  # as above


def numbers(what: str, value: object, count: int, low: float, high: float) -> tuple[float, ...]:
    """Return a list of `count` such numbers; raises InputError."""
    if not isinstance(value, list | tuple) or len(value) != count:
        raise InputError(f"{what} is {_short(value)}, it must be a list of {count} numbers")
    return tuple(number(f"{what}[{i}]", one, low, high) for i, one in enumerate(value))


def flag(what: str, value: object) -> bool:
    """Return true or false; raises InputError."""
    if not isinstance(value, bool):
        raise InputError(f"{what} is {_short(value)}, it must be true or false")
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
