"""What became of numbered samples that a reader read: what is missing, torn, and wrongly dated."""

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
    """One reader at one rate."""

    reader: str
    rate_hz: int
    seconds: float
    samples: int
    lost: int
    """Taken by the sensor between the first and the last that were read, and never seen."""
    gaps: int
    """In so many places."""
    mishaps: dict[str, int]
    """What the source says of them."""
    latest_s: float
    """The longest that the machine had no time for the reader: it was woken so late."""
    repeated: int
    torn: int
    """Made of parts of several samples."""
    step_us: float
    """Standard deviation of the time from one sample to the next, where none is missing."""
    error_us: float
    """Standard deviation of the times given to the samples about their true ones."""
    cpu_percent: float
    wakes_per_s: float
    """By a timer or, on a serial line, by what arrives; each transfer on the bus is one more."""
    transfers_per_s: float
    bus_percent: float


def judged(  # noqa: PLR0913, PLR0917 -- one argument a figure
    name: str, rate_hz: int, seconds: float, taken: dict[str, NDArray[Any]], period_s: float,
    transfers: float, busy: float,
) -> Result:  # fmt: skip
    """Judge what `readers` took of numbered samples, `period_s` apart; transfers a second."""
    number, torn = decoded(taken["counts"])
    steps, t_s = np.diff(number), taken["t_s"]
    error_s = t_s - number * period_s
    cpu_s, switches, sleeps = taken["spent"]
    return Result(
        reader=name,
        rate_hz=rate_hz,
        seconds=seconds,
        samples=len(number),
        lost=int((steps[steps > 1] - 1).sum()),
        gaps=int((steps > 1).sum()),
        mishaps=dict(zip(MISHAPS, taken["mishaps"].tolist(), strict=True)),
        latest_s=float(taken["latest_s"]),
        repeated=int((steps == 0).sum()),
        torn=int(torn.sum()),
        step_us=float(1e6 * np.diff(t_s)[steps == 1].std()),
        error_us=float(1e6 * error_s.std()),
        cpu_percent=float(100 * cpu_s),
        wakes_per_s=float(sleeps if transfers else switches),
        transfers_per_s=transfers,
        bus_percent=busy,
    )


def _why_lost(found: Result) -> str:
    """Say what the source counted, or that each gap is a time at which nobody asked."""
    if not found.lost:
        return ""
    told = [f"{name.replace('_', ' ')}: {n:,}" for name, n in found.mishaps.items() if n]
    return f" ({', '.join(told) or f'asked too late {found.gaps:,} times'})"


def row(found: Result) -> list[str]:
    """Tell it as a row of the table under HEAD."""
    wired = found.transfers_per_s > 0
    return [
        found.reader,
        f"{found.rate_hz} Hz",
        f"{found.samples:,}",
        f"{found.lost:,}{_why_lost(found)}",
        f"{found.repeated:,}",
        f"{found.torn:,}",
        f"{found.step_us:,.1f} µs",
        f"{found.error_us:,.0f} µs",
        f"{found.cpu_percent:.2f} %",
        f"{found.wakes_per_s:.1f}/s",
        f"{found.transfers_per_s:,.0f}/s" if wired else "",
        f"{found.bus_percent:.1f} %" if wired else "",
    ]
