"""Files that are whole or not there, whenever the power goes."""

import json
import os
from pathlib import Path

from firmware_bridge.errors import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Give `path` this content in one step; a reader sees the old file or the whole new one.

    Raises:
        InputError: it cannot be written there.

    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; give another name") from error


def write_json(path: Path, value: object) -> None:
    """Write JSON, indented, in one step; raises InputError as write_whole does."""
    write_whole(path, (json.dumps(value, indent=1) + "\n").encode())
