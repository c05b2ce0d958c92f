"""How many instructions a 64-bit board executes for a window, counted under QEMU.

A count is the same on every machine and however busy it is, so a regression shows to the percent.
It is no time: what an instruction takes is for a board to say.
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
"""Where tests/system/board.py makes a board's root file system."""
_PYTHON = "usr/bin/python3.11"
_MARKS_A_RUN = 4
_PATIENCE_S = 600.0

INFERENCE_M, PATH_M = 4.0, 11.9
"""Budgets, in millions of instructions: what the default model took, and a tenth more."""


def instructions(model: str, runs: int) -> Iterator[Figure]:
    """Count a window's inference, and its whole way from samples to a decision."""
    for program in (QEMU, COMPILER):
        if shutil.which(program) is None:
            raise Skipped(f"there is no {program} (Debian's qemu-user, gcc)")
    if not (ROOT / _PYTHON).exists():
        raise Skipped(f"no root file system for aarch64 in {ROOT}: make test-system makes it")
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
    # One thread, and the same dictionaries each time: the count is then the same to a thousandth.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [QEMU, "-plugin", str(plugin), "-L", str(ROOT), str(ROOT / _PYTHON),
         "-m", "device.bench.counted_run", model, str(runs)],
        env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
    )  # fmt: skip
    said = done.stderr.splitlines()
    counts = [int(line.split()[1]) for line in said if line.startswith("instructions ")]
    if done.returncode or len(counts) != _MARKS_A_RUN * runs:
        raise Skipped(f"{QEMU} failed: {said[-1] if said else 'it said nothing'}")
    return counts, [int(line) for line in done.stdout.split()]
