"""Measures whole commands as processes: start, memory, CPU time, latency."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from device.bench import Figure, Skipped
from device.bench.compute import hour
from device.cli import PROGRAM
from device.model.bundle import load, locate
from device.signal.path import SignalPath, Window
from device.signal.spec import SignalSpec
from firmware_bridge.decoder import Decoder
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.faults import Faults
from firmware_bridge.playing.line import LineError, PtyLine
from firmware_bridge.playing.plan import Played, stream
from firmware_bridge.playing.player import Player
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.sample_assembler import Assembler
from firmware_bridge.samples import Samples

_DAY_RUNS = 3
_LATENCY_S, _LATENCY_SPEED = 180.0, 6.0


def help_text(_: str, runs: int) -> Iterator[Figure]:
    """Measure the run time of `edgehar --help`."""
    times = []
    for _run in range(runs + 1):
        begun = time.perf_counter()
        subprocess.run([*PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begun)
    yield Figure("edgehar --help", "s", tuple(times[1:]), 0.25)


def ready(model: str, runs: int) -> Iterator[Figure]:
    """Measure the time from the start of `edgehar run` to its first message to the sensor."""
    times = []
    for _ in range(runs + 1):
        line = PtyLine()
        line.plug()
        begun = time.perf_counter()
        with _daemon(line.path, model):
            while not line.read(timeout_s=1.0):  # until the daemon requests a hello
                pass
            times.append(time.perf_counter() - begun)
        line.unplug()
    yield Figure("run to ready", "s", tuple(times[1:]), 0.6)


def latency(model: str, _: int) -> Iterator[Figure]:
    """Measure the time from sending a window's last frame to its decision on standard output."""
    samples = hour()[: round(50 * _LATENCY_S)]
    completes = _completing(samples, load(locate(model)).spec)
    late_ms: list[float] = []
    with played(samples, model, _LATENCY_SPEED) as (process, sent):
        assert process.stdout is not None  # noqa: S101 -- stdout is a pipe
        while len(late_ms) < len(completes):
            decision = json.loads(process.stdout.readline())
            arrived = time.monotonic()
            if decision["probabilities"] is not None:
                number = completes[decision["end_s"]]
                while len(sent) <= number:  # the player notes the time after the write
                    time.sleep(0.001)
                late_ms.append(1e3 * (arrived - sent[number]))
    what = f"last sample in to decision out ({len(late_ms)} windows)"
    for percent in (50, 99):
        yield Figure(f"{what}, p{percent}", "ms", (float(np.percentile(late_ms, percent)),), 20.0)


def _completing(samples: Samples, spec: SignalSpec) -> dict[float, int]:
    """Return the index of the stream's action that completes a window, by the window's end."""
    path, decoder, assembler = SignalPath(spec), Decoder(), Assembler()
    completes = {}
    for number, action in enumerate(stream([samples], VirtualDevice(), Faults(), 0, Played())):
        for block in assembler.push(decoder.feed(action.data)):
            ends = [event.end_s for event in path.push(block) if isinstance(event, Window)]
            completes.update({round(end_s, 6): number for end_s in ends})
    return completes


def day(model: str, runs: int) -> Iterator[Figure]:
    """Measure time and total memory of all processes of `edgehar classify`, on 24 h of data."""
    one = hour()
    times, peaks = [], []
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        path = Path(folder) / "day.csv"
        with RecordingWriter(path) as recording:
            for n in range(24):
                recording.write(Samples(one.t_s + 3600.0 * n, one.acc_g, one.gyro_rad_s))
        for _ in range(min(runs, _DAY_RUNS)):
            begun = time.perf_counter()
            command = [*PROGRAM, "classify", str(path), "--model", model]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
                peak = 0.0
                while process.poll() is None:
                    peak = max(peak, _tree_mb(process.pid))
                    time.sleep(0.05)
            times.append(time.perf_counter() - begun)
            peaks.append(peak)
            if process.returncode:
                raise Skipped(f"edgehar classify failed with {process.returncode}")
    yield Figure("classify, 24 h recording, whole process", "s", tuple(times), 15.0)
    yield Figure("classify, 24 h recording, peak memory", "MB", tuple(peaks), 400.0)


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


@contextmanager
def running(
    command: Sequence[str | Path], stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, and terminate it at the end."""
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate()


def _daemon(
    port: Path, model: str, *options: str
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    command = [*PROGRAM, "run", "--source", f"serial:{port}", "--model", model, *options]
    return running(command, stdout=subprocess.PIPE)


@contextmanager
def played(
    samples: Samples, model: str, speed: float, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], list[float]]]:
    """Run the daemon on played samples; yield its process and the times of the player's writes."""
    sent: list[float] = []
    with TemporaryDirectory(prefix="edgehar-bench-") as folder:
        link = Path(folder) / "port"
        plugged = threading.Event()
        device, line = VirtualDevice(), _StampedLine(link)
        note = [lambda _: sent.append(line.wrote_s)]
        player = Player(device, line, lambda _: plugged.set(), note)
        actions = stream([samples], device, Faults(), 0, Played())

        def play() -> None:
            with contextlib.suppress(LineError):  # the daemon stops before the player
                player.play(actions, Played(), speed)

        threading.Thread(target=play, daemon=True).start()
        plugged.wait(5.0)
        with _daemon(link, model, *options) as process:
            yield process, sent


class _StampedLine(PtyLine):
    """Notes the start time of the last write."""

    wrote_s = 0.0

    def write(self, data: bytes) -> None:
        self.wrote_s = time.monotonic()
        super().write(data)


def memory_mb(pid: int, field: str) -> float:
    """Return a field of /proc/PID/status in MB; 0 if the field is missing."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1000
    return 0.0


def _tree_mb(pid: int) -> float:
    """Return the resident memory of a process and its children; shared pages count repeatedly."""
    total = 0.0
    with contextlib.suppress(OSError):  # a process may end at any moment
        total += memory_mb(pid, "VmRSS")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        total += sum(_tree_mb(int(child)) for child in children)
    return total
