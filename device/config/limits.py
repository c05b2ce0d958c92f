"""Bounds on what the board keeps: history and raw samples."""

from dataclasses import dataclass
from typing import Final

HISTORY_MB: Final = (20, 1_000_000)
"""Smallest and largest size of the database with its log, millions of bytes."""
HISTORY_DAYS: Final = (1, 36_500)
LABELS_MB: Final = (5, 2000)
"""Smallest and largest size of the raw samples, millions of bytes."""


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """Rows beyond either limit are deleted, oldest first."""

    keep_days: int = 90
    max_mb: int = 2000
    """Size of the database with its log, millions of bytes."""
