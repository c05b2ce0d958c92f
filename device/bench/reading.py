"""Measures costs and losses of reading a sensor: edgehar's sources and the usual way.

    python -m device.bench.reading [SECONDS [OUT.json]]

Each reader has its own emulated bus with the timing of 400 kHz and a chip whose oscillator is 0.8 %
fast; the serial line is a pty. Each reader is a process, measured for SECONDS after six to warm up.
The rates follow each other: twelve readers at the same time would disturb each other on two cores.
After an interruption, a run with the same SECONDS and OUT continues with the unfinished rate.
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
from device.bench.processes import running
from device.bench.readers import WARM_UP_S
from device.bench.score_reading import HEAD, Result, row, score
from device.cli import PROGRAM
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.samples import Samples
from firmware_bridge.simulator.bus import Bus, monotonic_us
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.shim import I2cShim
from firmware_bridge.whole_file import write_json

RATES_HZ = (50, 100, 200)
READERS = 4
"""Number of readers at each rate."""
PPM = 8000.0
CLOCK_HZ = 400_000


def results(seconds: float, rates_hz: Sequence[int] = RATES_HZ) -> Iterator[Result]:
    """Measure every reader at every rate; those of one rate run in parallel. Raises InputError."""
    # One process per emulated bus, so that no bus waits for another.
    with ProcessPoolExecutor(READERS) as pool:
        for rate_hz in rates_hz:
            uri = f"i2c:1?rate={rate_hz}"
            futures = [
                pool.submit(_over_i2c, name, source, rate_hz, seconds)
                for name, source in (
                    ("FIFO in bursts", uri),
                    ("one burst a sample", f"{uri}&reads=direct"),
                    ("a byte a transfer", f"bytes:{rate_hz}"),
                )
            ]
            futures.append(pool.submit(_over_serial, rate_hz, seconds))
            yield from (future.result() for future in futures)


def _over_i2c(name: str, what: str, rate_hz: int, seconds: float) -> Result:
    bus = Bus({0x68: Chip(numbered, ppm=PPM, now_us=monotonic_us())})
    with I2cShim(bus, clock_hz=CLOCK_HZ) as shim:
        begun_s = time.monotonic()
        measured = _read(what, seconds, os.environ | shim.environment)
        ran_s = time.monotonic() - begun_s
    traffic = bus.traffic
    return score(
        name, rate_hz, seconds, measured, 1 / rate_hz / (1 + PPM * 1e-6),
        traffic.transfers / ran_s, 100 * traffic.busy_s(CLOCK_HZ) / ran_s,
    )  # fmt: skip


def _over_serial(rate_hz: int, seconds: float) -> Result:
    with _played(rate_hz, seconds + 2 * WARM_UP_S + 5) as port:
        measured = _read(f"serial:{port}", seconds, dict(os.environ))
    return score("serial line", rate_hz, seconds, measured, 1 / rate_hz, 0.0, 0.0)


@contextmanager
def _played(rate_hz: int, seconds: float) -> Iterator[Path]:
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        path, link = Path(folder) / "numbered.csv", Path(folder) / "port"
        index = np.arange(round(rate_hz * seconds))
        counts = encoded(index).astype(float)
        with RecordingWriter(path) as recording:
            gyro = np.radians(counts[:, 3:] * 500 / 32768)
            recording.write(Samples(index / rate_hz, counts[:, :3] * 4 / 32768, gyro))
        with running([*PROGRAM, "play", path, "--link", link]) as player:
            while not link.exists() and player.poll() is None:
                time.sleep(0.05)
            yield link


def _read(what: str, seconds: float, environment: dict[str, str]) -> dict[str, NDArray[Any]]:
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        out = Path(folder) / "measured.npz"
        command = [sys.executable, "-m", "device.bench.readers", what, str(seconds), str(out)]
        subprocess.run(command, env=environment, check=True)
        with np.load(out) as arrays:
            return dict(arrays)


def main(seconds: str = "600", out: str = "results/reading.json") -> None:
    """Measure everything and write the results, with a table for the documentation."""
    path, about = Path(out), machine()
    unfinished = path.with_name(f"{path.name}.unfinished")
    finished = _finished(unfinished, float(seconds))
    done = {result.rate_hz for result in finished}
    for result in results(float(seconds), [rate for rate in RATES_HZ if rate not in done]):
        finished.append(result)
        print(*row(result), sep="  ", flush=True)
        write_json(unfinished, [asdict(one) for one in finished])
    content = {
        "machine": asdict(about),
        "oscillator_ppm": PPM,
        "bus_hz": CLOCK_HZ,
        "readers": [asdict(one) for one in finished],
        "table": {"head": list(HEAD), "rows": [row(one) for one in finished]},
    }
    write_json(path, content)
    unfinished.unlink()


def _finished(unfinished: Path, seconds: float) -> list[Result]:
    """Return an interrupted run's results for its finished rates."""
    if not unfinished.exists():
        return []
    saved = [Result(**one) for one in json.loads(unfinished.read_text())]
    same = [one for one in saved if one.seconds == seconds]
    rates = [one.rate_hz for one in same]
    return [one for one in same if rates.count(one.rate_hz) == READERS]


if __name__ == "__main__":
    main(*sys.argv[1:])
