"""Results of fits, stored as JSON in runs/report so that a report can be resumed.

A result is used again only if its key is the same: recipe, data, people and seed, and of wrist
fits the code. The keys have no paths in them. Fits stored before the recipe `waist` had its name,
and wrist fits stored before train/ was divided into folders, have other keys and are fitted again.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path("runs") / "report"


def read(path: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result in a file if it was stored with this key, else None."""
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # The key has been JSON too, in which tuples are lists.
        return result if result["key"] == json.loads(json.dumps(key)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not fitted yet, or the file was not written to its end
