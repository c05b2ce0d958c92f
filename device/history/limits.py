"""How much history is kept."""

from dataclasses import dataclass

MIN_MB, MAX_MB = 20, 1_000_000
MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Limits:
    """What is beyond either goes, the oldest first."""

    keep_days: int = 90
    max_mb: int = 2000
    """Of the database with its log, millions of bytes; at least MIN_MB."""


KEPT = Limits()
"""Where nobody says otherwise."""
