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

FORMS: Final = ("float32", "float16", "dynamic", "int8")
LSTMS: Final = ("unrolled", "fused")
CALIBRATION_WINDOWS: Final = 500

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
    are windows from training, in g and rad/s, of which up to CALIBRATION_WINDOWS, evenly spread,
    set the int8 scales. `input_range` as in Converted; by default that of `usual_range`.
    Also returns Keras's own probabilities, (n, classes), for the `test` windows, if given.

    Raises ConvertError, also where TensorFlow's converter crashes.
    """
    limit = usual_range(representative) if input_range is None else input_range
    with tempfile.TemporaryDirectory(prefix="edgehar-") as name:
        folder = Path(name)
        if not isinstance(model, str | Path):
            model.save(folder / "model.keras")
            model = folder / "model.keras"
        chosen = [{"form": form, "lstm": lstm} for form, lstm in variants]
        job = {"model": str(Path(model).resolve()), "variants": chosen}
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        np.save(folder / "representative.npy", calibration(representative, limit))
        if test is not None:
            np.save(folder / "test.npy", test)
        forms = ", ".join(form for form, _ in variants)
        run_child(["-m", "convert.worker", name], folder, f"converting to {forms}")
        converted = [
            Converted(
                form,
                lstm,
                (folder / f"{number}.tflite").read_bytes(),
                json.loads((folder / f"{number}.json").read_text("utf-8")),
                limit if form == "int8" else None,
            )
            for number, (form, lstm) in enumerate(variants)
        ]
        return converted, np.empty((0, 0)) if test is None else np.load(folder / "reference.npy")


def usual_range(windows: NDArray[np.float32]) -> float:
    """Return the ±range that holds 99.9 % of the values of every channel.

    int8 has one step for g and rad/s alike. Rare swings of the gyroscope would set it three times
    coarser than this, and sitting and standing differ by little of a g.
    """
    by_channel = np.abs(windows.reshape(-1, windows.shape[-1]))
    return round(float(np.percentile(by_channel, 99.9, axis=0).max()), 2)


def calibration(windows: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Pick windows, clipped to ±limit; the first touches both ends, so the range is just that."""
    rows = np.linspace(0, len(windows) - 1, min(len(windows), CALIBRATION_WINDOWS)).astype(int)
    chosen: NDArray[np.float32] = windows[rows].astype(np.float32).clip(-limit, limit)
    chosen[0, :2, 3] = limit, -limit
    return chosen


def run_child(arguments: Sequence[str], folder: Path, doing: str) -> None:
    """Run Python with these arguments; raises ConvertError if it fails or is killed by a signal.

    What the child prints goes to a file, whose last line is quoted; an `error` file that it leaves
    in the folder is its own explanation.
    """
    log = folder / "log"
    with log.open("wb") as file:
        # -P: a folder named `convert` where the user stands is not ours.
        child = subprocess.run(
            [sys.executable, "-P", *arguments],
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
