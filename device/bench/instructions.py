"""Counts the instructions of a 64-bit Arm board for a window, under QEMU.

The count does not depend on the machine or its load, so it shows a regression of one per cent. It
is not a time: that depends on the board.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import device
from device.bench import Figure, Skipped, counted_run

QEMU, COMPILER = "qemu-aarch64", "gcc"
CHECKOUT = Path(device.__file__).parents[1]
ROOT = CHECKOUT / "build/system/aarch64/root"
"""Root file system of a board, made by tests/system/board.py."""
_PYTHON = "usr/bin/python3.11"
_MARKS_A_RUN = 4
_PATIENCE_S = 600.0

INFERENCE_M, PATH_M = 4.0, 11.9
"""Budgets, in millions of instructions: a tenth more than the default model needed."""


def instructions(model: str, runs: int) -> Iterator[Figure]:
    """Count the instructions of inference, and of all steps from samples to a decision."""
    for program in (QEMU, COMPILER):
        if shutil.which(program) is None:
            raise Skipped(f"no {program}; install Debian's qemu-user and gcc")
    if not (ROOT / _PYTHON).exists():
        raise Skipped(f"no root file system for aarch64 in {ROOT}; run: make test-system")
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        counts, decisions = _run(_plugin(Path(folder)), model, runs)
    inference, path = [], []
    for run, decided in enumerate(decisions):
        begun, classified, settled, ended = counts[run * _MARKS_A_RUN :][:_MARKS_A_RUN]
        inference.append((classified - begun) / counted_run.WINDOWS / 1e6)
        path.append((ended - settled) / decided / 1e6)
    unit = "M instructions"
    yield Figure("inference per window, aarch64", unit, tuple(inference), INFERENCE_M)
    yield Figure("samples to decision, per window, aarch64", unit, tuple(path), PATH_M)


def _plugin(folder: Path) -> Path:
    plugin = folder / "instructions.so"
    source = Path(__file__).with_suffix(".c")
    options = ["-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    done = subprocess.run(
        [COMPILER, *options, "-o", str(plugin), str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Skipped(f"{source.name} does not compile: {done.stderr.splitlines()[0]}")
    return plugin


def _run(plugin: Path, model: str, runs: int) -> tuple[list[int], list[int]]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    # With one thread and fixed hashes, counts of two runs differ by less than a thousandth.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [QEMU, "-plugin", str(plugin), "-L", str(ROOT), str(ROOT / _PYTHON),
         "-m", "device.bench.counted_run", model, str(runs)],
        env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
    )  # fmt: skip
    errors = done.stderr.splitlines()
    counts = [int(line.split()[1]) for line in errors if line.startswith("instructions ")]
    if done.returncode or len(counts) != _MARKS_A_RUN * runs:
        raise Skipped(f"{QEMU} failed: {errors[-1] if errors else 'no output'}")
    return counts, [int(line) for line in done.stdout.split()]
