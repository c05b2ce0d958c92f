"""The folder of the raw samples: which files are in it, and who may read them.

    raw/00000001.ehr ...   chunks, by the daemon; the oldest file goes
    kept/1.ehr ...         what was labelled, by `edgehar label`

Others than the owner and the group get at nothing. The group may label, for its members are those
who may see the history.
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
    return folder / "labelled"


def make(folder: Path) -> None:
    """Make the missing folders; raises OSError."""
    for path, mode in ((folder, _READ), (raw(folder), _READ), (labelled(folder), _LABEL)):
        with suppress(FileExistsError):
            path.mkdir(mode)
            path.chmod(mode)  # whatever the umask


def files(folder: Path) -> list[Path]:
    """Return the files of a folder in the order of their numbers; raises OSError."""
    found = [path for path in folder.iterdir() if path.suffix == ENDING and path.stem.isdecimal()]
    return sorted(found, key=lambda path: (int(path.stem), path.name))


def on_disk(path: Path) -> int:
    """Return the bytes of disk that a file takes; none if it is not there."""
    try:
        return blocks_bytes(path.stat().st_size)
    except FileNotFoundError:
        return 0


def blocks_bytes(size: int) -> int:
    """Return the bytes of disk for so many of content."""
    return -(-size // _BLOCK) * _BLOCK


def chunks(folder: Path) -> Iterator[Chunk]:
    """Yield all chunks in the order in which they were written, while others write and remove.

    Raises OSError.
    """
    for path in files(folder):
        with suppress(FileNotFoundError):  # the daemon has removed it meanwhile
            yield from chunk.read(content(path))


def content(path: Path, most: int = -1) -> bytes:
    """Return the bytes of a plain file, or the first of them; raises OSError."""
    # Whoever may put a file here must not make us wait at a pipe, nor lead us elsewhere.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        return file.read(most)
