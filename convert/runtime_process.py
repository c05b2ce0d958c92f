"""Runs a flatbuffer in a child process, which a runtime may crash, without TensorFlow in it."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.conversion_process import run_child
from convert.errors import ConvertError
from device.model.classifier import quantisation
from device.model.runtime import RUNTIMES, Model, ModelError


def installed() -> dict[str, str]:
    """Return the versions of the installed TFLite runtimes by name."""
    versions = {}
    for name in RUNTIMES:
        if find_spec(name) is not None:
            try:
                versions[name] = version(name.replace("_", "-"))
            except PackageNotFoundError:
                versions[name] = "unknown"
    return versions


def classify(
    flatbuffer: bytes, windows: NDArray[np.float32], runtime: str
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return probabilities (n, classes) of windows (n, window, channels).

    Also the quantisation of `input` and `output`, as in a manifest.
    Raises ConvertError if the runtime refuses the model or crashes.
    """
    with _answered("classify", flatbuffer, windows, runtime) as folder:
        quantisations = json.loads((folder / "quantisation.json").read_text("utf-8"))
        return np.load(folder / "probabilities.npy"), quantisations


def latency_us(flatbuffer: bytes, windows: NDArray[np.float32], runtime: str) -> list[float]:
    """Return processor times per window in µs, one for each of nine runs over all windows.

    On one thread, after a run to warm up. Raises ConvertError as `classify` does.
    """
    with _answered("latency", flatbuffer, windows, runtime) as folder:
        times: list[float] = json.loads((folder / "latency.json").read_text("utf-8"))
        return times


@contextmanager
def _answered(
    task: str, flatbuffer: bytes, windows: NDArray[np.float32], runtime: str
) -> Iterator[Path]:
    """Run `main` in a child process; yield the folder with its answer."""
    with tempfile.TemporaryDirectory(prefix="edgehar-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        np.save(folder / "windows.npy", windows)
        run_child(["-m", "convert.runtime_process", task, runtime, name], folder, runtime)
        yield folder


def main(task: str, runtime: str, folder: Path) -> None:
    """Do a task in this process; raises ConvertError."""
    try:
        model = Model((folder / "model.tflite").read_bytes(), runtime)
    except ModelError as error:
        raise ConvertError(str(error)) from error
    windows = np.load(folder / "windows.npy")
    if task == "classify":
        np.save(folder / "probabilities.npy", model.run(windows))
        quantisations = {"input": quantisation(model.input), "output": quantisation(model.output)}
        (folder / "quantisation.json").write_text(json.dumps(quantisations), "utf-8")
        return
    times = []
    for _ in range(10):
        began = time.process_time()
        model.run(windows)
        times.append((time.process_time() - began) / len(windows) * 1e6)
    (folder / "latency.json").write_text(json.dumps(times[1:]), "utf-8")


if __name__ == "__main__":
    job_folder = Path(sys.argv[3])
    try:
        main(sys.argv[1], sys.argv[2], job_folder)
    except ConvertError as error:
        (job_folder / "error").write_text(str(error), "utf-8")
        sys.exit(1)
