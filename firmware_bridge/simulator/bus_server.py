"""Serves a simulated bus on a unix socket."""

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from firmware_bridge.errors import InputError
from firmware_bridge.simulator.bus import Bus


class BusServer(ABC):
    """A bus behind a unix socket, one thread a connection; a context manager.

    `lock` is held during a transfer; acquire it to change the chips meanwhile.
    Raises InputError if the socket cannot be created.
    """

    def __init__(self, bus: Bus, path: Path) -> None:
        self.bus = bus
        self.lock = threading.Lock()
        self._path = path
        self._connections: list[socket.socket] = []

    def brown_out(self, address: int = 0x68) -> None:
        """Interrupt a chip's supply for a moment."""
        with self.lock:
            self.bus.chips[address].brown_out(self.bus.clock_us())

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)
            self._listener.bind(str(self._path))
        except OSError as error:
            self._listener.close()
            raise InputError(f"{self._path}: cannot create a socket ({error.strerror})") from error
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        with self.lock:
            self._disconnect()
        for thread in self._threads[1:]:
            thread.join()
        self._path.unlink(missing_ok=True)

    @abstractmethod
    def _serve(self, connection: socket.socket) -> None:
        """Answer requests until the connection ends, by a return, an EOFError or an OSError."""

    def _disconnect(self) -> None:
        """Break all connections; the caller holds the lock."""
        for connection in self._connections:
            with contextlib.suppress(OSError):  # OSError: closed already
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._attend, args=(connection,)))
            self._threads[-1].start()

    def _attend(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            self._serve(connection)
