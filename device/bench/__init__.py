"""Measures this machine against the budgets. Never a test: a busy machine is no bug."""

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
    """One quantity, measured several times."""

    what: str
    unit: str
    values: tuple[float, ...]
    budget: float | None
    """None: told because it is worth knowing, not held to anything."""
    at_least: bool = False
    """The budget is a floor (a rate); else it is a ceiling."""

    @property
    def median(self) -> float:
        """Of all runs."""
        return median(self.values)

    @property
    def within(self) -> bool:
        """The median keeps to the budget."""
        if self.budget is None:
            return True
        return self.median >= self.budget if self.at_least else self.median <= self.budget

    @property
    def verdict(self) -> str:
        """`held` or `missed`; empty where there is no budget."""
        if self.budget is None:
            return ""
        return "held" if self.within else "missed"


class Skipped(Exception):  # noqa: N818 -- no error: there is nothing here to measure
    """An item cannot be measured on this machine; the message says why."""


Item = Callable[[str, int], Iterable[Figure]]
"""Takes the model (name or file) and the number of runs."""

_VECTORS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "neon", "asimd", "asimddp")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures were measured on."""

    cpu: str
    architecture: str
    vectors: tuple[str, ...]
    """What the processor has for many small numbers at once, as Linux calls it: int8 inference is
    several times as fast with avx512_vnni (x86) or asimddp (Arm) as without."""
    cores: int
    python: str
    versions: dict[str, str]
    load: float
    """Processes that wanted to run in the minute before."""


def machine() -> Machine:
    """Describe this one."""
    cpu, features = platform.machine(), set[str]()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        said = line.partition(":")[2].strip()
        if line.startswith(("model name", "Model")):  # x86; Raspberry Pi
            cpu = said
        elif line.startswith(("flags", "Features")):
            features.update(said.split())
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
