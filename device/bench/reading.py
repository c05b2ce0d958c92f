"""What reading a sensor costs and loses: our sources beside the usual way, on one emulated bus.

    python -m device.bench.reading [SECONDS [OUT.json]]

The chip's oscillator is 0.8 % fast; the bus takes the time of one at 400 kHz. The serial line is a
pty. Each reader is a process of its own, measured for SECONDS after six to warm up.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.bench import machine
from device.bench.numbered import decoded, encoded, numbered
from device.bench.readers import WARM_UP_S
from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.whole_file import write_json

RATES_HZ = (50, 100, 200)
PPM = 8000.0
CLOCK_HZ = 400_000
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


def results(seconds: float) -> Iterator[Result]:
    """Measure every reader at every rate, those of a rate side by side. Raises InputError."""
    # A process each, for the emulated buses must not wait for each other.
    with ProcessPoolExecutor(4) as pool:
        for rate_hz in RATES_HZ:
            running = [
                pool.submit(_over_i2c, "FIFO in bursts", f"i2c:1?rate={rate_hz}", rate_hz, seconds),
                pool.submit(
                    _over_i2c,
                    "one burst a sample",
                    f"i2c:1?rate={rate_hz}&reads=direct",
                    rate_hz,
                    seconds,
                ),
                pool.submit(_over_i2c, "a byte a transfer", f"bytes:{rate_hz}", rate_hz, seconds),
                pool.submit(_over_serial, rate_hz, seconds),
            ]
            yield from (future.result() for future in running)


def _over_i2c(name: str, what: str, rate_hz: int, seconds: float) -> Result:
    bus = Bus({0x68: Chip(numbered, ppm=PPM, now_us=monotonic_us())})
    with I2cShim(bus, clock_hz=CLOCK_HZ) as shim:
        begun_s = time.monotonic()
        taken = _read(what, seconds, os.environ | shim.environment)
        ran_s = time.monotonic() - begun_s
    traffic = bus.traffic
    return _judged(
        name, rate_hz, seconds, taken, 1 / rate_hz / (1 + PPM * 1e-6),
        traffic.transfers / ran_s, 100 * traffic.busy_s(CLOCK_HZ) / ran_s,
    )  # fmt: skip


def _over_serial(rate_hz: int, seconds: float) -> Result:
    with _played(rate_hz, seconds + 2 * WARM_UP_S + 5) as port:
        taken = _read(f"serial:{port}", seconds, dict(os.environ))
    return _judged("serial line", rate_hz, seconds, taken, 1 / rate_hz, 0.0, 0.0)


@contextmanager
def _played(rate_hz: int, seconds: float) -> Iterator[Path]:
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        path, link = Path(folder) / "numbered.csv", Path(folder) / "port"
        index = np.arange(round(rate_hz * seconds))
        counts = encoded(index).astype(float)
        with RecordingWriter(path) as recording:
            gyro = np.radians(counts[:, 3:] * 500 / 32768)
            recording.write(Samples(index / rate_hz, counts[:, :3] * 4 / 32768, gyro))
        command = [*PROGRAM, "play", str(path), "--link", str(link)]
        null = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=null, stderr=null) as player:
            try:
                while not link.exists() and player.poll() is None:
                    time.sleep(0.05)
                yield link
            finally:
                player.terminate()


def _read(what: str, seconds: float, environment: dict[str, str]) -> dict[str, NDArray[Any]]:
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        out = Path(folder) / "taken.npz"
        command = [sys.executable, "-m", "device.bench.readers", what, str(seconds), str(out)]
        subprocess.run(command, env=environment, check=True)
        with np.load(out) as taken:
            return dict(taken)


def _judged(  # noqa: PLR0913, PLR0917 -- one argument a figure
    name: str, rate_hz: int, seconds: float, taken: dict[str, NDArray[Any]], period_s: float,
    transfers: float, busy: float,
) -> Result:  # fmt: skip
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
        repeated=int((steps == 0).sum()),
        torn=int(torn.sum()),
        step_us=float(1e6 * np.diff(t_s)[steps == 1].std()),
        error_us=float(1e6 * error_s.std()),
        cpu_percent=float(100 * cpu_s),
        wakes_per_s=float(sleeps if transfers else switches),
        transfers_per_s=transfers,
        bus_percent=busy,
    )


def _row(found: Result) -> list[str]:
    wired = found.transfers_per_s > 0
    return [
        found.reader,
        f"{found.rate_hz} Hz",
        f"{found.samples:,}",
        f"{found.lost:,}",
        f"{found.repeated:,}",
        f"{found.torn:,}",
        f"{found.step_us:,.1f} µs",
        f"{found.error_us:,.0f} µs",
        f"{found.cpu_percent:.2f} %",
        f"{found.wakes_per_s:.1f}/s",
        f"{found.transfers_per_s:,.0f}/s" if wired else "",
        f"{found.bus_percent:.1f} %" if wired else "",
    ]


def main(seconds: str = "600", out: str = "results/reading.json") -> None:
    """Measure all and write the results with the README's table."""
    about, found = machine(), list[Result]()
    for result in results(float(seconds)):
        found.append(result)
        print(*_row(result), sep="  ", flush=True)
        whole = {
            "machine": asdict(about),
            "oscillator_ppm": PPM,
            "bus_hz": CLOCK_HZ,
            "readers": [asdict(one) for one in found],
            "table": {"head": list(HEAD), "rows": [_row(one) for one in found]},
        }
        write_json(Path(out), whole)


if __name__ == "__main__":
    main(*sys.argv[1:])
