"""A flatbuffer in one TFLite runtime, in a process of its own.

Away from TensorFlow, which tflite_runtime cannot share a process with once it is loaded, and where
a runtime that crashes on a model takes nothing else with it.
"""

import json
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.converter import run_child
from convert.errors import ConvertError
from device.model.classifier import quantisation
from device.model.runtime import RUNTIMES, Model, ModelError


def installed() -> dict[str, str]:
    """Return the TFLite runtimes of this machine, and their versions."""
    found = {}
    for name in RUNTIMES:
        if find_spec(name) is not None:
            try:
                found[name] = version(name.replace("_", "-"))
            except PackageNotFoundError:
                found[name] = "unknown"
    return found


def classify(
    flatbuffer: bytes, windows: NDArray[np.float32], runtime: str
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Classify windows (n, window, channels); also how the model's ends are quantised.

    Raises ConvertError if the runtime refuses the model or crashes on it.
    """
    with tempfile.TemporaryDirectory(prefix="edgehar-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        np.save(folder / "windows.npy", windows)
        run_child(["-m", "convert.runtime_process", "classify", runtime, name], folder, runtime)
        ends = json.loads((folder / "ends.json").read_text("utf-8"))
        return np.load(folder / "probabilities.npy"), ends


def latency_us(flatbuffer: bytes, windows: NDArray[np.float32], runtime: str) -> list[float]:
    """Processor time a window, µs, of runs that each take all the windows once; one thread.

    The first run, which warms up, is left out. Raises ConvertError as `classify` does.
    """
    with tempfile.TemporaryDirectory(prefix="edgehar-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        np.save(folder / "windows.npy", windows)
        run_child(["-m", "convert.runtime_process", "latency", runtime, name], folder, runtime)
        times: list[float] = json.loads((folder / "latency.json").read_text("utf-8"))
        return times


def main(task: str, runtime: str, folder: Path) -> None:
    """Do a task in this process."""
    try:
        model = Model((folder / "model.tflite").read_bytes(), runtime)
    except ModelError as error:
        raise ConvertError(str(error)) from error
    windows = np.load(folder / "windows.npy")
    if task == "classify":
        np.save(folder / "probabilities.npy", model.run(windows))
        ends = {"input": quantisation(model.input), "output": quantisation(model.output)}
        (folder / "ends.json").write_text(json.dumps(ends), "utf-8")
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
