"""A publisher's archive: a zip, a zip within a zip, or the unpacked folder."""

import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError

MAX_MEMBER_BYTES = 256 * 2**20
"""Limit of a file's unpacked size. The largest file of the archives has 15 MB."""


_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError)
"""The errors that zipfile raises for damaged archives."""


class DataError(InputError):
    """Recorded data are missing, truncated or malformed."""


def data_folder(option: Path | None = None) -> Path:
    """Return the folder of the archives: `option`, else $EDGEHAR_DATA, else ./data."""
    return option or Path(os.environ.get("EDGEHAR_DATA") or "data")


class Archive:
    """The files of one archive by name, relative to the folder that contains the file `root`.

    Raises DataError if the archive is missing, is not a zip file, or has no `root`.
    """

    def __init__(self, path: Path, root: str):
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            names = [file.relative_to(path).as_posix() for file in path.rglob("*.txt")]
        else:
            self._zip = _open_zip(path, root)
            names = self._zip.namelist()
        tops = sorted(
            (name[: -len(root)] for name in names if f"/{name}".endswith(f"/{root}")), key=len
        )
        if not tops:
            raise DataError(f"{path}: has no {root}; this is another archive, or an incomplete one")
        self._top = tops[0]
        self.names = sorted(n.removeprefix(self._top) for n in names if n.startswith(self._top))

    def matching(self, pattern: str) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield the names that match the whole pattern, each with its match, in order."""
        for name in self.names:
            if match := re.fullmatch(pattern, name):
                yield name, match

    def read(self, name: str) -> bytes:
        """Read one file; raises DataError if it is missing, damaged or too large."""
        where = f"{self.path}: {name}"
        if name not in self.names:
            raise DataError(f"{where} is missing; fetch the archive again")
        try:
            if self._zip is None:
                return (self.path / self._top / name).read_bytes()
            info = self._zip.getinfo(self._top + name)
            if info.file_size > MAX_MEMBER_BYTES:
                raise DataError(
                    f"{where} unpacks to {info.file_size} bytes; the publisher's file is smaller"
                )
            return self._zip.read(info)
        except _DAMAGED as error:
            raise DataError(f"{where} is damaged ({error}); fetch the archive again") from error

    def numbers(self, name: str, columns: int) -> NDArray[np.float64]:
        """Parse a file of numbers, separated by blanks or commas, as (rows, columns).

        Raises DataError if the file cannot be read, has another content, or has no row.
        """
        where = f"{self.path}: {name}"
        text = self.read(name)
        try:
            values = np.array(text.replace(b",", b" ").split(), np.float64)
        except ValueError as error:
            raise DataError(f"{where} has a value that is not a number") from error
        if not len(values) or len(values) % columns or not np.isfinite(values).all():
            raise DataError(f"{where} is not rows of {columns} numbers; fetch the archive again")
        return values.reshape(-1, columns)

    def sha256(self) -> str:
        """Return the hash of the zip file; for a folder, of its files' names and hashes."""
        if self._zip is not None:
            return _sha256_of(self.path)
        whole = hashlib.sha256()
        for name in self.names:
            whole.update(f"{name} {_sha256_of(self.path / self._top / name)}\n".encode())
        return whole.hexdigest()


def locate(folder: Path, names: tuple[str, ...], title: str) -> Path:
    """Return the folder itself if it has one of the names, else the first name that is in it.

    Raises DataError if the folder has none of them.
    """
    if folder.name in names and folder.exists():
        return folder
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise DataError(
        f"no {title} in {folder} (looked for {', '.join(names)}); `edgehar data fetch` shows how "
        "to get the data set; --data or EDGEHAR_DATA sets the folder"
    )


def _open_zip(path: Path, root: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
        if not any(f"/{name}".endswith(f"/{root}") for name in archive.namelist()):
            # The UCI archive contains the publisher's zip file.
            inner = [info for info in archive.infolist() if info.filename.endswith(".zip")]
            if len(inner) == 1 and inner[0].file_size <= MAX_MEMBER_BYTES:
                return zipfile.ZipFile(io.BytesIO(archive.read(inner[0])))
    except _DAMAGED as error:
        raise DataError(f"{path}: not a complete zip archive ({error}); fetch it again") from error
    return archive


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
