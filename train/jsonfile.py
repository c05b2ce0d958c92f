"""JSON files that are whole or not there."""

import json
import os
from pathlib import Path

from firmware_bridge.errors import EdgeharError


def write_json(path: Path, value: object) -> None:
    """Write JSON under its name only once it is whole.

    Raises:
        EdgeharError: it cannot be written.

    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(json.dumps(value, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EdgeharError(f"{path}: cannot be written ({error.strerror})") from error
