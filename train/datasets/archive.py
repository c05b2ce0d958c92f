"""A publisher's archive: a zip, a zip within a zip, or the unpacked folder."""

import hashlib
import io
import os
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError

MAX_MEMBER_BYTES = 256 * 2**20
"""Limit of a file's unpacked size; the largest file in any of the archives has 15 MB."""


class DataError(InputError):
    """Recorded data are missing, truncated or malformed."""


def data_folder(given: Path | None = None) -> Path:
    """Return the folder of the archives: the option if given, else $EDGEHAR_DATA, else ./data."""
    return given or Path(os.environ.get("EDGEHAR_DATA") or "data")


class Archive:
    """The files of one archive by name, relative to the folder in which the file `root` lies.

    Raises:
        DataError: the archive is missing, is not a zip, or has no `root`.

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
            raise DataError(f"{path}: has no {root}; is it another archive, or incomplete?")
        self._top = tops[0]
        self.names = sorted(n.removeprefix(self._top) for n in names if n.startswith(self._top))

    def read(self, name: str) -> bytes:
        """Read one file.

        Raises:
            DataError: the file is missing, damaged, or too large.

        """
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
        except (
            OSError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
            RuntimeError,
            ValueError,
        ) as error:
            raise DataError(f"{where} is damaged ({error}); fetch the archive again") from error

    def numbers(self, name: str, columns: int) -> NDArray[np.float64]:
        """Parse a file of white-space separated numbers as (rows, columns).

        Raises:
            DataError: as `read`; or the file has anything else, or no row.

        """
        where = f"{self.path}: {name}"
        text = self.read(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # numpy warns of text that is not a number
                values = np.fromstring(text.decode("ascii"), sep=" ")
        except (ValueError, DeprecationWarning) as error:
            raise DataError(f"{where} has a value that is not a number") from error
        if not len(values) or len(values) % columns or not np.isfinite(values).all():
            raise DataError(f"{where} is not rows of {columns} numbers; fetch the archive again")
        return values.reshape(-1, columns)

    def sha256(self) -> str:
        """Return the hash of the zip file; for a folder, that of its files' names and hashes."""
        if self._zip is not None:
            return _sha256_of(self.path)
        whole = hashlib.sha256()
        for name in self.names:
            whole.update(f"{name} {_sha256_of(self.path / self._top / name)}\n".encode())
        return whole.hexdigest()


def locate(folder: Path, names: tuple[str, ...], title: str) -> Path:
    """Find the first of the names in the folder, or take the folder itself if it has such a name.

    Raises:
        DataError: none is there.

    """
    if folder.name in names and folder.exists():
        return folder
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise DataError(
        f"no {title} in {folder} (looked for {', '.join(names)}); `edgehar data fetch` says where "
        "to get it; --data or EDGEHAR_DATA set the folder"
    )


def _open_zip(path: Path, root: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
        if not any(f"/{name}".endswith(f"/{root}") for name in archive.namelist()):
            # The UCI archive has the publisher's zip inside.
            inner = [info for info in archive.infolist() if info.filename.endswith(".zip")]
            if len(inner) == 1 and inner[0].file_size <= MAX_MEMBER_BYTES:
                return zipfile.ZipFile(io.BytesIO(archive.read(inner[0])))
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as error:
        raise DataError(f"{path}: not a complete zip archive ({error}); fetch it again") from error
    return archive


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
