"""Results of fits, stored as JSON in runs/report, so that a report can be resumed.

A result is used again only if its key is the same: recipe, data, people and seed; for wrist fits
also the code. Keys contain no paths.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path("runs") / "report"


def read(path: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result in a file if it has this key, else None."""
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # The stored key went through JSON, which has lists instead of tuples.
        return result if result["key"] == json.loads(json.dumps(key)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not fitted yet, or the file is incomplete
