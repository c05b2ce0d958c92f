"""Measures CPU and memory of the daemon in normal use, with and without all outputs."""

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from device.bench import Figure, Skipped
from device.bench.compute import hour
from device.bench.processes import memory_mb, played, running
from device.cli import PROGRAM

_LIVE_S = 30.0
_ALL_ON = """\
[sinks]
sqlite = "{0}/decisions.db"
[labels]
folder = "{0}/labels"
[mqtt]
host = "127.0.0.1"
port = {1}
[metrics]
listen = "127.0.0.1:{2}"
[dashboard]
listen = "127.0.0.1:{3}"
[state]
file = "{0}/orientation.json"
"""


def live(model: str, _: int) -> Iterator[Figure]:
    """Measure CPU and memory of `run` at 50 Hz: one run of half a minute, 10 s after its start."""
    share, peak_mb = _load(model)
    yield Figure("run at 50 Hz, CPU of one core", "%", (share,), 0.5)
    yield Figure("run at 50 Hz, peak memory", "MB", (peak_mb,), 60.0)


def everything(model: str, _: int) -> Iterator[Figure]:
    """Measure as `live`, with database, labels, metrics, MQTT to a broker and the dashboard."""
    broker = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    missing = [name for name in ("paho", "prometheus_client", "waitress") if not find_spec(name)]
    if broker is None or missing:
        raise Skipped(f"install {', '.join(missing) or 'the Debian package mosquitto'}")
    with TemporaryDirectory(prefix="edgehar-bench-") as folder, ExitStack() as stack:
        ports = [_free_port() for _ in range(3)]
        settings = Path(folder) / "edgehar.toml"
        settings.write_text(_ALL_ON.format(folder, *ports))
        for command in (
            [broker, "-p", str(ports[0])],
            [*PROGRAM, "dashboard", "--config", str(settings)],
        ):
            stack.enter_context(running(command))
        share, peak_mb = _load(model, "--config", str(settings))
    yield Figure("run with all on, CPU of one core", "%", (share,), None)
    yield Figure("run with all on, peak memory", "MB", (peak_mb,), 60.0)


def _load(model: str, *options: str) -> tuple[float, float]:
    """Return the daemon's CPU time in per cent of one core, and its peak memory in MB."""
    samples = hour()[: round(50 * (_LIVE_S + 20))]
    with played(samples, model, 1.0, *options) as (process, _sent):
        time.sleep(10.0)
        begun, before = time.monotonic(), _cpu_s(process.pid)
        time.sleep(_LIVE_S)
        share = (_cpu_s(process.pid) - before) / (time.monotonic() - begun)
        if process.poll() is not None:
            raise Skipped("edgehar run ended too early")
        return 100 * share, memory_mb(process.pid, "VmHWM")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


def _cpu_s(pid: int) -> float:
    """Return the CPU time of all threads, from schedstat (in ns; /proc/PID/stat has 10 ms)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
