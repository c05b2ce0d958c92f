"""Parses comma-separated files of numbers and words in an archive."""

import io

import numpy as np
from numpy.typing import DTypeLike, NDArray

from train.datasets.archive import Archive, DataError

FLOAT = "f8"
WORD = "U16"


def table(archive: Archive, name: str, columns: dict[str, str], skip: int = 0) -> NDArray[np.void]:
    """Parse a file into one record a line; the first `skip` lines are a heading.

    `columns` gives FLOAT or WORD by name. Blanks around values and `;` at the end of a line are
    ignored. Raises DataError if the file is missing or damaged, or has other columns or no row.
    """
    where = f"{archive.path}: {name}"
    dtype: DTypeLike = np.dtype(list(columns.items()))
    try:
        text = archive.read(name).translate(None, b" ;\r").decode("ascii")
        if text.count("\n") <= skip:
            raise DataError(f"{where} has no rows; fetch the archive again")
        lines = np.loadtxt(
            io.StringIO(text), dtype, delimiter=",", skiprows=skip, ndmin=1, comments=None
        )
    except ValueError as error:
        raise DataError(
            f"{where} is not rows of {', '.join(columns)}; fetch the archive again"
        ) from error
    floats = [column for column, kind in columns.items() if kind == FLOAT]
    if not all(np.isfinite(lines[column]).all() for column in floats):
        raise DataError(f"{where} has a value that is not a number; fetch the archive again")
    return np.asarray(lines)


def xyz(lines: NDArray[np.void], *columns: str) -> NDArray[np.float64]:
    """Return the named columns of n lines as an array (n, columns)."""
    values: NDArray[np.float64] = np.stack([lines[column] for column in columns], axis=1)
    return values
