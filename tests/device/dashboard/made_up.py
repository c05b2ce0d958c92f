"""A typical Status, and the dashboard as a process."""

import json
import subprocess
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from device.cli import PROGRAM
from device.decision.decision import Reason, State
from device.sinks.status import Inference, Status
from device.sources import Health
from firmware_bridge.samples import Samples
from tests.device.made_up import a_status, decision
from tests.ports import free_port

TOKEN = "k3yk3yk3yk3yk3yk3y"  # noqa: S105 -- nobody's

STATUS = a_status(
    time="2026-11-21T12:00:00.000Z", uptime_s=3700.0,
    source_counts={"frames": 1000, "frames_bad_crc": 3},
    health=Health(31.5, (), clock_ppm=-40.0, fifo_free=0.75),
    pipeline={"samples": 9990, "lost": 10, "not_finite": 0, "windows": 150},
    mounting_confidence=0.9, inference=Inference((0, 150), 0.045),
    failed_writes={"decisions.db": 0}, queued={"decisions.db": 0},
)  # fmt: skip


def saying(state: State, what: str | None = None, reason: Reason | None = None) -> Status:
    """Return a Status with a decision for a window that ended five minutes ago."""
    made = decision(100.0, "2026-11-21T11:55:00.000Z", what, state)
    if what is None:
        made = replace(made, confidence=None, probabilities=None)
    return replace(STATUS, decision=replace(made, reason=reason))


def swing(start_s: float, seconds: float, rate_hz: float = 50.0) -> Samples:
    """Return samples of a swinging arm."""
    t_s = start_s + np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.sin(2 * np.pi * t_s)[:, None]
    return Samples(t_s, wave * [0.2, 0.1, 0.0] + [0.0, 0.0, 1.0], wave * [0.0, 2.0, 1.0])


@contextmanager
def dashboard(*arguments: str | Path, port: int | None = None) -> Generator[str]:
    """Run `edgehar dashboard`; yield its URL. Without a port, a free one is chosen."""
    if port is None:
        port = free_port()
        arguments = (*arguments, "--listen", f":{port}")
    command = [*PROGRAM, "dashboard", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            log = process.stderr.readline()
            assert "ready" in log, log + process.stderr.read()
            yield f"http://127.0.0.1:{port}/"
            process.terminate()
            log = process.communicate(timeout=20)[1]
            assert (process.returncode, "Traceback" in log) == (0, False), log
        finally:
            process.kill()


@contextmanager
def guarded_dashboard(folder: Path, address: str = "") -> Generator[str]:
    """Run a dashboard that needs TOKEN, with its settings and token in a folder."""
    port, settings = free_port(), folder / "edgehar.toml"
    settings.write_text(
        f'[sinks]\nsqlite = "{folder / "d.db"}"\n'
        f'[dashboard]\nlisten = "{address}:{port}"\ntoken_file = "{token_file(folder)}"\n'
    )
    with dashboard("--config", settings, port=port) as url:
        yield url


def token_file(folder: Path, text: str = TOKEN, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def get(
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    method: str | None = None,
) -> tuple[int, Message, bytes]:
    """Return status, headers and body of the response, without redirects."""
    host, _, path = url.removeprefix("http://").partition("/")
    with closing(HTTPConnection(host, timeout=20)) as connection:
        method = method or ("GET" if body is None else "POST")
        connection.request(method, f"/{path}", body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def get_json(url: str) -> dict[str, Any]:
    status, _, body = get(url)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found
