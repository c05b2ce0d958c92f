"""Measures the time of training, if TensorFlow and the data are installed."""

import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from device.bench import Figure, Skipped
from device.cli import PROGRAM


def training(_: str, __: int) -> Iterator[Figure]:
    """Measure one run of `edgehar train` on UCI HAR's windows, 30 epochs."""
    if find_spec("tensorflow") is None:
        raise Skipped("TensorFlow is not installed")
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        command = [*PROGRAM, "train", "--recipe", "paper", "--windows", "uci", "--epochs", "30"]
        command += ["--out", str(Path(folder) / "run")]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Skipped((done.stderr.strip().splitlines() or ["training failed"])[-1])
        yield Figure("training CNN_LSTM, 30 epochs", "s", (time.perf_counter() - begun,), 120.0)
