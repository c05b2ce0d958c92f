"""Prometheus metrics: served over HTTP, written for node_exporter's textfile collector, or both.

The library's server answers from its own threads with the latest Status. A slow or dead server
does not affect recognition.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.metrics_core import Metric

from device.config.checks import is_loopback
from device.decision.decision import Decision
from device.sinks import SinkError
from device.sinks.metric_families import families
from device.sinks.status import Status
from firmware_bridge.errors import EdgeharError, InputError

log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 10.0
"""Prometheus scrapes every 15 s or less often."""


class ListenError(EdgeharError):
    """The address is in use or does not belong to this board."""


class Metrics:
    """A sink that exposes the latest Status to Prometheus."""

    def __init__(self, listen: tuple[str, int] | None, file: Path | None) -> None:
        """Listen at an address and port and write to `file`; either may be None.

        Raises ListenError if the address is in use or not this board's, InputError if the file
        cannot be written or node_exporter would not read it.
        """
        places = [f"http://{_bracketed(listen[0])}:{listen[1]}/metrics"] if listen else []
        self.name = "metrics " + " and ".join(places + ([str(file)] if file else []))
        self._status: Status | None = None
        self._file, self._written_s = file, float("-inf")
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._server = None
        if file is not None:
            if file.suffix != ".prom":
                raise InputError(f"metrics.file {file} must end in .prom for node_exporter")
            with contextlib.suppress(SinkError):
                self._write(file)
            if not file.is_file():
                raise InputError(f"metrics.file {file} cannot be written; check its folder")
        if listen is not None:
            self._server = _serve(listen, self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the server calls this in its own threads."""
        if self._status is not None:
            yield from families(self._status)

    def write(self, decision: Decision) -> None:
        """Ignore the decision: the Status has the counts."""

    def status(self, status: Status) -> None:
        """Store the Status to expose; raises SinkError if the file cannot be written."""
        self._status = status
        if self._file is not None and time.monotonic() - self._written_s >= WRITE_EVERY_S:
            self._write(self._file)

    def close(self) -> None:
        """Stop listening; the file keeps the last figures."""
        if self._file is not None:
            with contextlib.suppress(SinkError):
                self._write(self._file)
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _write(self, file: Path) -> None:
        try:
            write_to_textfile(str(file), self._registry)
        except OSError as error:
            raise SinkError(f"cannot write metrics to {file}: {error.strerror}") from error
        self._written_s = time.monotonic()


def _serve(listen: tuple[str, int], registry: CollectorRegistry) -> WSGIServer:
    address, port = listen
    try:
        server, _ = start_http_server(port, address, registry)
    except OSError as error:
        why = error.strerror or error
        raise ListenError(f"metrics.listen {_bracketed(address)}:{port}: {why}") from error
    if not is_loopback(address):
        log.warning("metrics: other hosts that reach %s port %d can read them", address, port)
    return server


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
