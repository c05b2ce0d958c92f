"""A Status that a daemon might tell, and the dashboard as a process."""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any

import numpy as np

from device.cli import PROGRAM
from device.decision.decision import Decision, Reason, State
from device.sinks.status import Inference, Status
from device.sources import Health
from firmware_bridge.samples import Samples

STATUS = Status(
    time="2026-11-21T12:00:00.000Z",
    uptime_s=3700.0,
    model="wrist@1a2b3c4d",
    source="serial:/dev/ttyUSB0",
    source_counts={"frames": 1000, "frames_bad_crc": 3},
    health=Health(31.5, (), clock_ppm=-40.0, fifo_free=0.75),
    pipeline={"samples": 9990, "lost": 10, "not_finite": 0, "windows": 150},
    mounting_known=True,
    mounting_confidence=0.9,
    decision=None,
    states={"ok": 150},
    reasons={},
    activities={"walking": 150},
    inference=Inference((0, 150), 0.045),
    failed_writes={"decisions.db": 0},
    queued={"decisions.db": 0},
    today="2026-11-21",
    today_s={"walking": 192.0},
)


def saying(state: State, what: str | None = None, reason: Reason | None = None) -> Status:
    """Have the daemon say this of a window that ended five minutes ago."""
    decision = Decision(
        start_s=97.44,
        end_s=100.0,
        time="2026-11-21T11:55:00.000Z",
        state=state,
        activity=what,
        reason=reason,
        confidence=0.93 if what else None,
        probabilities={"walking": 0.93, "sitting": 0.07} if what else None,
        lost=0,
        model="wrist@1a2b3c4d",
    )
    return replace(STATUS, decision=decision)


def swing(start_s: float, seconds: float, rate_hz: float = 50.0) -> Samples:
    """Samples of an arm that swings."""
    t_s = start_s + np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.sin(2 * np.pi * t_s)[:, None]
    return Samples(t_s, wave * [0.2, 0.1, 0.0] + [0.0, 0.0, 1.0], wave * [0.0, 2.0, 1.0])


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def dashboard(*arguments: str | Path, port: int) -> Generator[str]:
    """Run `edgehar dashboard`; give where it is."""
    command = [*PROGRAM, "dashboard", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            assert "ready" in said, said + process.stderr.read()
            yield f"http://127.0.0.1:{port}/"
            process.terminate()
            said = process.communicate(timeout=20)[1]
            assert (process.returncode, "Traceback" in said) == (0, False), said
        finally:
            process.kill()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def get(
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    method: str | None = None,
) -> tuple[int, Message, bytes]:
    """Return the answer's status, headers and body; follow nothing."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)  # noqa: S310 -- http
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def get_json(url: str) -> dict[str, Any]:
    status, _, body = get(url)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found
