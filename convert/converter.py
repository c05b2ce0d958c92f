"""Conversion as its callers see it: a Keras model and real windows in, flatbuffers out."""

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
    """A flatbuffer and what is known about it."""

    form: str
    lstm: str
    flatbuffer: bytes
    operations: dict[str, int]
    """TFLite operations with their versions."""
    input_range: float | None
    """int8: what lies beyond ±this (g or rad/s) is clipped to it. None: nothing is."""


def convert(
    model: Any,
    representative: NDArray[np.float32],
    variants: Sequence[tuple[str, str]] = (("int8", "unrolled"),),
    input_range: float | None = None,
    test: NDArray[np.float32] | None = None,
) -> tuple[list[Converted], NDArray[np.float64]]:
    """Convert a Keras model to every variant (form, lstm).

    `model` is the path of a .keras file or a Keras model; `representative` (n, window, channels)
    are windows from training, in g and rad/s, to set the int8 scales. `input_range` as in
    Converted; without it several are tried, and the one taken that is nearest to Keras on
    representative windows which did not set the scales.
    Also returns Keras's own probabilities, (n, classes), for the `test` windows, if given.

    Raises ConvertError, also where TensorFlow's converter crashes.
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
        run_child(["-m", "convert.tensorflow_process", name], folder, f"converting to {forms}")
        converted = [_read(folder, number, *variant) for number, variant in enumerate(variants)]
        return converted, np.empty((0, 0)) if test is None else np.load(folder / "reference.npy")


def _read(folder: Path, number: int, form: str, lstm: str) -> Converted:
    answer = json.loads((folder / f"{number}.json").read_text("utf-8"))
    flatbuffer = (folder / f"{number}.tflite").read_bytes()
    return Converted(form, lstm, flatbuffer, answer["operations"], answer["input_range"])


def run_child(arguments: Sequence[str], folder: Path, doing: str) -> None:
    """Run Python with these arguments; raises ConvertError if it fails or is killed by a signal.

    What the child prints goes to a file, whose last line is quoted; an `error` file that it leaves
    in the folder is its own explanation.
    """
    log = folder / "log"
    with log.open("wb") as file:
        # -P: a folder named `convert` in the current folder is not ours.
        # -u: the two streams share one file, and its last line is the last that was printed.
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
            raise ConvertError(f"{doing}: killed, probably for want of memory; free some")
        name = signal.Signals(number).name
        raise ConvertError(f"{doing}: TensorFlow crashed ({name}) on this model; {_TRY}")
    lines = log.read_text("utf-8", "replace").strip().splitlines() or ["it says nothing"]
    raise ConvertError(f"{doing}: failed: {lines[-1][:300]}; {_TRY}")
