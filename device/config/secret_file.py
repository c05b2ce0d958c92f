"""Reads a secret from a file that other users of the board cannot read."""

import os
import stat
from pathlib import Path
from typing import Final

from firmware_bridge.errors import InputError

MAX_BYTES: Final = 64 * 1024
_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH


def read(path: Path, key: str) -> str:
    """Return the text of the file that the settings key names; raises InputError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_BYTES + 1)
        text = content.decode()
    except OSError as error:
        raise InputError(f"{key} {path}: {error.strerror}") from error
    except UnicodeError as error:
        raise InputError(f"{key} {path} is not text") from error
    if mode & _OTHERS:
        raise InputError(f"{key} {path}: every user may read it; chmod o= {path}")
    if len(content) > MAX_BYTES:
        raise InputError(f"{key} {path} is over {MAX_BYTES} bytes: too long for a secret")
    return text
