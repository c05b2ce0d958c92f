"""Compares this machine with budgets; not a test, because a busy machine misses them too."""

import os
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """The values of one quantity in several runs, and its budget."""

    what: str
    unit: str
    values: tuple[float, ...]
    budget: float | None
    """None: for information only."""
    at_least: bool = False
    """The budget is a minimum (a rate); else it is a maximum."""

    @property
    def median(self) -> float:
        """Median over all runs."""
        return median(self.values)

    @property
    def within(self) -> bool:
        """Whether the median meets the budget."""
        if self.budget is None:
            return True
        return self.median >= self.budget if self.at_least else self.median <= self.budget

    @property
    def verdict(self) -> str:
        """`held` or `missed`; empty without a budget."""
        if self.budget is None:
            return ""
        return "held" if self.within else "missed"


class Skipped(Exception):  # noqa: N818 -- not an error
    """An item cannot be measured on this machine; the message gives the reason."""


Item = Callable[[str, int], Iterable[Figure]]
"""Takes the model (name or file) and the number of runs."""

_VECTORS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "neon", "asimd", "asimddp")


@dataclass(frozen=True, slots=True)
class Machine:
    """The measured machine."""

    cpu: str
    architecture: str
    vectors: tuple[str, ...]
    """Vector extensions by their names in Linux. With avx512_vnni (x86) or asimddp (Arm), int8
    inference is several times as fast as without."""
    cores: int
    python: str
    versions: dict[str, str]
    load: float
    """Load average of the minute before: number of running or waiting processes."""


def machine() -> Machine:
    """Return the properties of this machine."""
    cpu, features = platform.machine(), set[str]()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        value = line.partition(":")[2].strip()
        if line.startswith(("model name", "Model")):  # x86; Raspberry Pi
            cpu = value
        elif line.startswith(("flags", "Features")):
            features.update(value.split())
    versions = {}
    for package in ("edgehar", "numpy", "tflite-runtime", "ai-edge-litert"):
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return Machine(
        cpu=cpu,
        architecture=platform.machine(),
        vectors=tuple(name for name in _VECTORS if name in features),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        versions=versions,
        load=round(os.getloadavg()[0], 2),
    )
