"""A cache of arrays made from archives, so that text is parsed only once."""

import os
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]


def cache_folder() -> Path:
    """Return the folder of the cache: $EDGEHAR_CACHE, else ~/.cache/edgehar."""
    folder = os.environ.get("EDGEHAR_CACHE")
    return Path(folder) if folder else Path.home() / ".cache" / "edgehar"


def cached(name: str, sha256: str, parse: Callable[[], Arrays]) -> Arrays:
    """Return the cached arrays with this name and hash; if there are none, call `parse`."""
    path = cache_folder() / f"{name}-{sha256[:16]}.npz"
    if path.is_file():
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return dict(stored)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            pass  # a damaged cache file is written again below
    arrays = parse()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as new:
            np.savez(new, **arrays)
            new.flush()
            os.fsync(new.fileno())
        part.replace(path)
    except OSError as error:
        warnings.warn(
            f"cannot cache data in {path.parent} ({error}); set EDGEHAR_CACHE to another folder",
            stacklevel=2,
        )
    return arrays
