"""The result of a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the page."""

    level: Level
    name: str
    """The thing that was checked, such as `rate`."""
    text: str
    """The observation."""
    advice: str = ""
    """The remedy; '' if none is needed."""


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if a check failed, else 0."""
    return int(any(finding.level == "fail" for finding in findings))
