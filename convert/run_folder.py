"""Reads and writes run folders: a trained model, its config, scores and windows to convert it.

- `model.keras`
- `config.json` with `labels` (list of names), `signal` (SignalSpec.to_dict(), or null for windows
  of another signal path) and `data` (`name`, `sha256`, and optionally `title`, for the model card);
  optionally `decision` (some of `smoothing`, `unknown_output`, `temperature`,
  `unknown_threshold`), `orientation` (MountingSpec.to_dict()), `worn` (NonwearSpec.to_dict(); its
  defaults if absent) and `mounting` (a text), as in the manifest (docs/BUNDLE.md)
- `metrics.json`: any object; the manifest holds it as `results`
- `representative.npz` with `x` float32 (n, window, 9): training windows that set the int8 scales
- `test.npz` with `x` as above and `y` int64 (n,), indices of the model's outputs: the `labels`, and
  with `unknown_output` one more for other activities. The conversion is verified on them
- `log` of the training, and pictures
"""

import json
import logging
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json

_MODEL: Final = "model.keras"
_CONFIG: Final = "config.json"
_METRICS: Final = "metrics.json"
_REPRESENTATIVE: Final = "representative.npz"
_TEST: Final = "test.npz"


@dataclass(frozen=True, slots=True)
class Run:
    """Content of a run folder."""

    model: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    representative: NDArray[np.float32]
    x: NDArray[np.float32]
    y: NDArray[np.int64]


@contextmanager
def new(path: Path, logger: logging.Logger) -> Iterator[Path]:
    """Yield a new folder with the logger's `log` in it; rename it to `path` at the end.

    On an exception the folder is removed.
    Raises InputError if `path` exists or the folder cannot be made.
    """
    if path.exists():
        raise InputError(f"{path} exists; remove it or give another --out")
    part = path.with_name(path.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        handler = logging.FileHandler(part / "log", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{part}: cannot make the run folder ({error.strerror})") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()
    part.rename(path)


def fill(  # noqa: PLR0913 -- one argument for each array or file
    part: Path,
    *,
    model: Any,
    config: dict[str, Any],
    metrics: dict[str, Any],
    representative: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.int64],
) -> None:
    """Write all files that `read` needs; `model` is a Keras model."""
    model.save(part / _MODEL)
    write_json(part / _CONFIG, config)
    write_json(part / _METRICS, metrics)
    np.savez(part / _REPRESENTATIVE, x=representative)
    np.savez(part / _TEST, x=x, y=y)


def read(path: Path) -> Run:
    """Read a run folder, by its own path or that of its model.keras; raises InputError."""
    folder = path if path.is_dir() else path.parent
    model = folder / _MODEL if path.is_dir() else path
    if not model.is_file():
        raise InputError(f"{model}: no such model; give a folder written by `edgehar train`")
    try:
        config = json.loads((folder / _CONFIG).read_text("utf-8"))
        metrics = json.loads((folder / _METRICS).read_text("utf-8"))
        if not isinstance(config["data"]["sha256"], str) or not config["labels"]:
            raise InputError(f"{folder / _CONFIG}: no labels or no data; train again")
        representative = _arrays(folder / _REPRESENTATIVE, "x")[0]
        x, y = _arrays(folder / _TEST, "x", "y")
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder}: not a whole run folder ({error}); train again") from error
    if len(x) != len(y) or not len(representative) or not len(x):
        raise InputError(f"{folder}: wrong number of test or representative windows; train again")
    return Run(model, config, metrics, representative, x.astype(np.float32), y.astype(np.int64))


def _arrays(path: Path, *names: str) -> list[NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        return [file[name] for name in names]
