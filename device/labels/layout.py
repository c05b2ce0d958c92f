"""The folder of raw and labelled samples: its files and their permissions.

    raw/00000001.ehr ...   chunks, written by the daemon; the oldest file is deleted first
    kept/1.ehr ...         labels with their samples, written by `edgehar label`

Only the owner and the group have access. The group, which may read the history, may add labels.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from device.labels import chunk
from device.labels.chunk import Chunk

ENDING: Final = ".ehr"
FILE_MODE: Final = 0o640
_READ: Final = 0o750
_LABEL: Final = 0o770
_BLOCK: Final = 4096


def raw(folder: Path) -> Path:
    """Return the folder of the latest samples."""
    return folder / "raw"


def labelled(folder: Path) -> Path:
    """Return the folder of the labelled samples."""
    return folder / "kept"


def make(folder: Path) -> None:
    """Create the missing folders; raises OSError."""
    for path, mode in ((folder, _READ), (raw(folder), _READ), (labelled(folder), _LABEL)):
        with suppress(FileExistsError):
            path.mkdir(mode)
            path.chmod(mode)  # independent of the umask


def files(folder: Path) -> list[Path]:
    """Return the files of a folder in the order of their numbers; raises OSError."""
    paths = [path for path in folder.iterdir() if path.suffix == ENDING and path.stem.isdecimal()]
    return sorted(paths, key=lambda path: (int(path.stem), path.name))


def on_disk(path: Path) -> int:
    """Return the disk space of a file in bytes; 0 if it does not exist."""
    try:
        return blocks_bytes(path.stat().st_size)
    except FileNotFoundError:
        return 0


def blocks_bytes(size: int) -> int:
    """Return the disk space for a content of `size` bytes: whole blocks."""
    return -(-size // _BLOCK) * _BLOCK


def chunks(folder: Path) -> Iterator[Chunk]:
    """Yield all chunks in the order of writing; files may be written and removed meanwhile.

    Raises OSError.
    """
    for path in files(folder):
        with suppress(FileNotFoundError):  # the daemon has removed it meanwhile
            yield from chunk.read(content(path))


def content(path: Path, most: int = -1) -> bytes:
    """Return the first `most` bytes of a plain file, or all; raises OSError."""
    # A member of the group must not block the reader with a pipe, or redirect it with a link.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        return file.read(most)
