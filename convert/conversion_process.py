"""Converts a Keras model to TFLite flatbuffers in a child process."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.representative import candidate_ranges

FORMS: Final = ("float32", "float16", "dynamic", "int8")
LSTMS: Final = ("unrolled", "fused")

_TRY: Final = "try another form, or `fused` in place of `unrolled`, or another TensorFlow"


@dataclass(frozen=True, slots=True)
class Converted:
    """A flatbuffer and its properties."""

    form: str
    lstm: str
    flatbuffer: bytes
    operations: dict[str, int]
    """TFLite operations and their versions."""
    input_range: float | None
    """int8: inputs are clipped to ±this (g or rad/s). None: they are not clipped."""


def convert(
    model: Any,
    representative: NDArray[np.float32],
    variants: Sequence[tuple[str, str]] = (("int8", "unrolled"),),
    input_range: float | None = None,
    test: NDArray[np.float32] | None = None,
) -> tuple[list[Converted], NDArray[np.float64]]:
    """Convert a Keras model to every variant (form, lstm).

    `model` is the path of a .keras file or a Keras model; `representative` (n, window, channels)
    are training windows in g and rad/s that set the int8 scales. If `input_range` is None, several
    ranges are tried on other representative windows; the result nearest to Keras is returned.
    Also returns Keras's probabilities (n, classes) for the `test` windows, if there are any.

    Raises ConvertError, also if TensorFlow's converter crashes.
    """
    ranges = candidate_ranges(representative) if input_range is None else [input_range]
    with tempfile.TemporaryDirectory(prefix="edgehar-") as name:
        folder = Path(name)
        if not isinstance(model, str | Path):
            model.save(folder / "model.keras")
            model = folder / "model.keras"
        chosen = [{"form": form, "lstm": lstm} for form, lstm in variants]
        job = {"model": str(Path(model).resolve()), "variants": chosen, "ranges": ranges}
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        np.save(folder / "representative.npy", representative)
        if test is not None:
            np.save(folder / "test.npy", test)
        forms = ", ".join(form for form, _ in variants)
        run_child(["-m", "convert.tflite_conversion", name], folder, f"converting to {forms}")
        converted = [_read(folder, number, *variant) for number, variant in enumerate(variants)]
        return converted, np.empty((0, 0)) if test is None else np.load(folder / "reference.npy")


def _read(folder: Path, number: int, form: str, lstm: str) -> Converted:
    answer = json.loads((folder / f"{number}.json").read_text("utf-8"))
    flatbuffer = (folder / f"{number}.tflite").read_bytes()
    return Converted(form, lstm, flatbuffer, answer["operations"], answer["input_range"])


def run_child(arguments: Sequence[str], folder: Path, doing: str) -> None:
    """Run Python with these arguments; raises ConvertError if it fails or is killed by a signal.

    The message quotes the file `error` that the child left in `folder`, or its last line of output.
    """
    log = folder / "log"
    with log.open("wb") as file:
        # -P: never import a package `convert` from the current folder.
        # -u: both streams go to one file; unbuffered, their lines are in the order of printing.
        child = subprocess.run(
            [sys.executable, "-P", "-u", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            check=False,
        )
    if child.returncode == 0:
        return
    if (folder / "error").exists():
        raise ConvertError(f"{doing}: {(folder / 'error').read_text('utf-8')}")
    if child.returncode < 0:
        number = -child.returncode
        if number == signal.SIGKILL:
            raise ConvertError(f"{doing}: killed, probably out of memory; close other programs")
        name = signal.Signals(number).name
        raise ConvertError(f"{doing}: TensorFlow crashed ({name}) on this model; {_TRY}")
    lines = log.read_text("utf-8", "replace").strip().splitlines() or ["no output"]
    raise ConvertError(f"{doing}: failed: {lines[-1][:300]}; {_TRY}")
