"""A /dev/i2c-N for one program: a C library to preload, and the thread that answers it.

For tests and benchmarks on a PC: smbus2 runs unmodified, the kernel is left out.

    with I2cShim(Bus({0x68: Chip(feed)})) as shim:
        subprocess.run(command, env=os.environ | shim.environment)

`shim.lock` is held during a transfer; hold it to change the chips in the middle of a run.
"""

import contextlib
import errno
import functools
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.simulator.bus import Bus, Message

SOURCE = Path(__file__).with_name("i2c_shim") / "shim.c"
MAX_MESSAGES = 42
MAX_LENGTH = 8192
"""Of a transfer and of a message, as in the kernel's i2c-dev."""
_READ = 1
_OPEN = struct.Struct("=I")
_HEAD = struct.Struct("=HHH")


class I2cShim:
    """Serves a bus as /dev/i2c-NUMBER to whatever runs with `environment`; a context manager.

    With `clock_hz` a transfer takes as long as on a wire of that speed.
    Raises InputError without a C compiler.
    """

    def __init__(self, bus: Bus, number: int = 1, clock_hz: float | None = None) -> None:
        self.bus = bus
        self.number = number
        self.lock = threading.Lock()
        self.unplugged_errno = 0
        self._clock_hz = clock_hz
        self._connections: set[socket.socket] = set()

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the program."""
        return {"LD_PRELOAD": str(library()), "EDGEHAR_I2C_SOCKET": str(self._path)}

    def unplug(self, number: int = errno.ENOENT) -> None:
        """Take the adapter away: what is open breaks, what opens fails with this number."""
        with self.lock:
            self.unplugged_errno = number
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def plug(self) -> None:
        """Put it back."""
        self.unplugged_errno = 0

    def brown_out(self, address: int = 0x68) -> None:
        """Let a chip's supply dip."""
        with self.lock:
            self.bus.chips[address].brown_out(self.bus.clock_us())

    def __enter__(self) -> "I2cShim":
        library()
        self._folder = tempfile.TemporaryDirectory(prefix="edgehar-i2c-")
        self._path = Path(self._folder.name) / "bus"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self.unplug()
        for thread in self._threads[1:]:
            thread.join()
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self._connections.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # OSError: unplugged, or the program has ended.
        with connection, contextlib.suppress(OSError, EOFError):
            requests = connection.makefile("rb")
            (number,) = _OPEN.unpack(_read(requests, _OPEN.size))
            refused = self.unplugged_errno or (errno.ENOENT if number != self.number else 0)
            connection.sendall(bytes([refused]))
            while not refused:
                connection.sendall(self._answer(_messages(requests)))
        with self.lock:
            self._connections.discard(connection)

    def _answer(self, messages: list[Message]) -> bytes:
        started_s = time.monotonic()
        with self.lock:
            before = self.bus.traffic.bits()
            try:
                answer = b"\0" + self.bus.transfer(messages)
            except OSError as error:
                answer = bytes([error.errno or errno.EIO])
            bits = self.bus.traffic.bits() - before
        if self._clock_hz:
            time.sleep(max(0.0, started_s + bits / self._clock_hz - time.monotonic()))
        return answer


@functools.cache
def library() -> Path:
    """Compile the C library, once in the life of this process. Raises InputError, EdgeharError."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise InputError("no C compiler for the I2C shim: apt install gcc libc6-dev")
    path = Path(_folder().name) / "shim.so"
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    command = [compiler, *flags, "-o", str(path), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        first = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise EdgeharError(f"{SOURCE.name} does not compile: {first} (apt install libc6-dev)")
    return path


@functools.cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Make a folder of our own, so that nobody else can put a library there."""
    return tempfile.TemporaryDirectory(prefix="edgehar-shim-")


def _messages(requests: BinaryIO) -> list[Message]:
    """Read the messages of one transfer. Raises EOFError, ConnectionError for what is none."""
    count = _read(requests, 1)[0]
    if count > MAX_MESSAGES:
        raise ConnectionError
    messages = []
    for _ in range(count):
        address, flags, length = _HEAD.unpack(_read(requests, _HEAD.size))
        if length > MAX_LENGTH or flags & ~_READ:
            raise ConnectionError
        reading = flags & _READ
        data = None if reading else _read(requests, length)
        messages.append(Message(address, data, length if reading else 0))
    return messages


def _read(requests: BinaryIO, count: int) -> bytes:
    data = requests.read(count)
    if len(data) < count:
        raise EOFError
    return data
