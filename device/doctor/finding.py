"""What a check says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the page."""

    level: Level
    name: str
    """What was looked at: `rate`."""
    text: str
    """What was seen."""
    advice: str = ""
    """What to do; '' where nothing is to be done."""


def exit_code(findings: Sequence[Finding]) -> int:
    """Give 1 if anything failed, else 0."""
    return int(any(finding.level == "fail" for finding in findings))
