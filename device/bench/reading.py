"""What reading a sensor costs and loses: our sources beside the usual way, on one emulated bus.

    python -m device.bench.reading [SECONDS [OUT.json]]

The chip's oscillator is 0.8 % fast; the bus takes the time of one at 400 kHz. The serial line is a
pty. Each reader is a process of its own, measured for SECONDS after six to warm up. One rate after
the other: on two cores the readers of all three would take samples from each other. If it is
stopped it goes on, with the same SECONDS and OUT, at the rate where it was.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.bench import machine
from device.bench.numbered_source import encoded, numbered
from device.bench.readers import WARM_UP_S
from device.bench.score_reading import HEAD, Result, judged, row
from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.whole_file import write_json

RATES_HZ = (50, 100, 200)
READERS = 4
"""At each rate."""
PPM = 8000.0
CLOCK_HZ = 400_000


def results(seconds: float, rates_hz: Sequence[int] = RATES_HZ) -> Iterator[Result]:
    """Measure every reader at every rate, those of a rate side by side. Raises InputError."""
    # A process each, for the emulated buses must not wait for each other.
    with ProcessPoolExecutor(READERS) as pool:
        for rate_hz in rates_hz:
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
    return judged(
        name, rate_hz, seconds, taken, 1 / rate_hz / (1 + PPM * 1e-6),
        traffic.transfers / ran_s, 100 * traffic.busy_s(CLOCK_HZ) / ran_s,
    )  # fmt: skip


def _over_serial(rate_hz: int, seconds: float) -> Result:
    with _played(rate_hz, seconds + 2 * WARM_UP_S + 5) as port:
        taken = _read(f"serial:{port}", seconds, dict(os.environ))
    return judged("serial line", rate_hz, seconds, taken, 1 / rate_hz, 0.0, 0.0)


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


def main(seconds: str = "600", out: str = "results/reading.json") -> None:
    """Measure all and write the results with the README's table."""
    path, about = Path(out), machine()
    unfinished = path.with_name(f"{path.name}.unfinished")
    found = _measured(unfinished, float(seconds))
    done = {result.rate_hz for result in found}
    for result in results(float(seconds), [rate for rate in RATES_HZ if rate not in done]):
        found.append(result)
        print(*row(result), sep="  ", flush=True)
        write_json(unfinished, [asdict(one) for one in found])
    whole = {
        "machine": asdict(about),
        "oscillator_ppm": PPM,
        "bus_hz": CLOCK_HZ,
        "readers": [asdict(one) for one in found],
        "table": {"head": list(HEAD), "rows": [row(one) for one in found]},
    }
    write_json(path, whole)
    unfinished.unlink()


def _measured(unfinished: Path, seconds: float) -> list[Result]:
    """Return what a run that was stopped had measured: the rates that it finished."""
    if not unfinished.exists():
        return []
    kept = [Result(**one) for one in json.loads(unfinished.read_text())]
    rates = [one.rate_hz for one in kept if one.seconds == seconds]
    return [one for one in kept if one.seconds == seconds and rates.count(one.rate_hz) == READERS]


if __name__ == "__main__":
    main(*sys.argv[1:])
