"""Scores a reader of numbered samples: lost, repeated and torn samples, and errors of time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.bench.numbered_source import decoded
from device.bench.readers import MISHAPS

HEAD = (
    "reader", "rate", "samples", "lost", "repeated", "torn", "step, deviation", "time, error",
    "CPU of one core", "wake-ups by timer", "transfers", "bus busy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """Scores and costs of one reader at one rate."""

    reader: str
    rate_hz: int
    seconds: float
    samples: int
    lost: int
    """Number of samples that are missing between the first and the last one."""
    gaps: int
    """Number of places where samples are missing."""
    mishaps: dict[str, int]
    """Counts of the source that explain lost samples."""
    latest_s: float
    """Largest delay of a wake-up, because the machine was busy."""
    repeated: int
    torn: int
    """Number of samples with bytes of several samples."""
    step_us: float
    """Standard deviation of the time between two consecutive samples."""
    error_us: float
    """Standard deviation of the samples' times from the true ones."""
    cpu_percent: float
    wakes_per_s: float
    """Wake-ups by a timer, or by received bytes of a serial line; each transfer is one more."""
    transfers_per_s: float
    bus_percent: float


def score(  # noqa: PLR0913, PLR0917 -- one argument for each figure
    name: str, rate_hz: int, seconds: float, measured: dict[str, NDArray[Any]], period_s: float,
    transfers: float, busy: float,
) -> Result:  # fmt: skip
    """Score the arrays of `readers.measure`, for samples `period_s` apart; transfers per second."""
    number, torn = decoded(measured["counts"])
    steps, t_s = np.diff(number), measured["t_s"]
    error_s = t_s - number * period_s
    cpu_s, switches, sleeps = measured["spent"]
    return Result(
        reader=name,
        rate_hz=rate_hz,
        seconds=seconds,
        samples=len(number),
        lost=int((steps[steps > 1] - 1).sum()),
        gaps=int((steps > 1).sum()),
        mishaps=dict(zip(MISHAPS, measured["mishaps"].tolist(), strict=True)),
        latest_s=float(measured["latest_s"]),
        repeated=int((steps == 0).sum()),
        torn=int(torn.sum()),
        step_us=float(1e6 * np.diff(t_s)[steps == 1].std()),
        error_us=float(1e6 * error_s.std()),
        cpu_percent=float(100 * cpu_s),
        wakes_per_s=float(sleeps if transfers else switches),
        transfers_per_s=transfers,
        bus_percent=busy,
    )


def _why_lost(result: Result) -> str:
    """Return the source's counts; without them, each gap is a read that came too late."""
    if not result.lost:
        return ""
    mishaps = [f"{name.replace('_', ' ')}: {n:,}" for name, n in result.mishaps.items() if n]
    return f" ({', '.join(mishaps) or f'{result.gaps:,} late reads'})"


def row(result: Result) -> list[str]:
    """Return the cells of a table's row, in the order of HEAD."""
    wired = result.transfers_per_s > 0
    return [
        result.reader,
        f"{result.rate_hz} Hz",
        f"{result.samples:,}",
        f"{result.lost:,}{_why_lost(result)}",
        f"{result.repeated:,}",
        f"{result.torn:,}",
        f"{result.step_us:,.1f} µs",
        f"{result.error_us:,.0f} µs",
        f"{result.cpu_percent:.2f} %",
        f"{result.wakes_per_s:.1f}/s",
        f"{result.transfers_per_s:,.0f}/s" if wired else "",
        f"{result.bus_percent:.1f} %" if wired else "",
    ]
