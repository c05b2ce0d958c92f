"""A /dev/i2c-1 for one program: a C library to preload, and the server that answers it.

For tests and benchmarks on a PC: smbus2 runs unmodified, without a kernel driver.

    with I2cShim(Bus({0x68: Chip(feed)})) as shim:
        subprocess.run(command, env=os.environ | shim.environment)
"""

import atexit
import errno
import functools
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, Self

from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.simulator.bus import Bus, Message
from firmware_bridge.simulator.bus_server import BusServer

SOURCE = Path(__file__).with_name("i2c_shim") / "shim.c"
MAX_MESSAGES, MAX_LENGTH = 42, 8192
"""Messages of a transfer, bytes of a message; as in the kernel's i2c-dev."""
_NUMBER = 1
_READ = 1
_OPEN = struct.Struct("=I")
_HEAD = struct.Struct("=HHH")


class I2cShim(BusServer):
    """Serves a bus as /dev/i2c-1 to programs that run with `environment`; a context manager.

    With `clock_hz` a transfer takes as long as on a wire of that speed.
    Raises InputError without a C compiler.
    """

    def __init__(self, bus: Bus, clock_hz: float | None = None) -> None:
        super().__init__(bus, Path())
        self.unplugged_errno = 0
        self._clock_hz = clock_hz

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for the program."""
        return {"LD_PRELOAD": str(library()), "EDGEHAR_I2C_SOCKET": str(self._path)}

    def unplug(self, number: int = errno.ENOENT) -> None:
        """Remove the adapter: open files break, and opening fails with this errno."""
        with self.lock:
            self.unplugged_errno = number
            self._disconnect()

    def plug(self) -> None:
        """Put the adapter back."""
        self.unplugged_errno = 0

    def __enter__(self) -> Self:
        library()
        self._folder = tempfile.TemporaryDirectory(prefix="edgehar-i2c-")
        self._path = Path(self._folder.name) / "bus"
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._folder.cleanup()

    def _serve(self, connection: socket.socket) -> None:
        requests = connection.makefile("rb")
        (number,) = _OPEN.unpack(_read(requests, _OPEN.size))
        refused = self.unplugged_errno or (errno.ENOENT if number != _NUMBER else 0)
        connection.sendall(bytes([refused]))
        while not refused:
            connection.sendall(self._answer(_messages(requests)))

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
    """Compile the C library, once in a process. Raises InputError, EdgeharError."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise InputError("no C compiler for the I2C shim: apt install gcc libc6-dev")
    # A private folder, where no other user can put a library.
    path = Path(tempfile.mkdtemp(prefix="edgehar-shim-")) / "shim.so"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    command = [compiler, *flags, "-o", str(path), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        first = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise EdgeharError(f"{SOURCE.name} does not compile: {first} (apt install libc6-dev)")
    return path


def _messages(requests: BinaryIO) -> list[Message]:
    """Read the messages of one transfer. Raises EOFError, and ConnectionError if malformed."""
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
