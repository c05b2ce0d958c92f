"""An i2c-tiny-usb adapter with chips behind it, for a guest in QEMU, over usbredir.

The guest's own driver makes a real /dev/i2c-N of it:

    python -m tests.stand_ins.usb_i2c SOCKET [--recording FILE]
    qemu-system-… -device qemu-xhci -chardev socket,id=i2c,path=SOCKET \
        -device usb-redir,chardev=i2c -smp 1

(With two processors in the guest a transfer takes milliseconds.) On its standard input it takes one
fault a line: unplug, plug, brown-out, nacks SHARE (0 to 1 of the messages), absent, present.
"""

import argparse
import contextlib
import re
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from firmware_bridge import recording
from firmware_bridge.errors import EdgeharError, InputError
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.bus import Bus, Message
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.registers import MODELS
from firmware_bridge.simulator.wearer import Wearer
from tests.stand_ins.usbredir import Control, Identity, Redirection, RedirError

IDENTITY = Identity(vendor=0x0403, product=0xC631, version=0x0205, packet_bytes=8)
"""By which the Linux driver i2c-tiny-usb knows its device."""
FUNCTIONS = 0x0EFF0009
"""I2C_FUNC_I2C and I2C_FUNC_SMBUS_EMUL."""

_NUMBERS = (IDENTITY.vendor, IDENTITY.product, IDENTITY.version)
_DESCRIPTORS = {
    1: {0: struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0110, 0xFF, 0, 0, 8, *_NUMBERS, 1, 2, 0, 1)},
    2: {
        0: struct.pack("<BBHBBBBB", 9, 2, 18, 1, 1, 0, 0x80, 50)  # one interface, 100 mA
        + struct.pack("<9B", 9, 4, 0, 0, 0, 0xFF, 0, 0, 0)
    },
    3: {
        index: struct.pack("<BB", 2 + len(text), 3) + text
        for index, text in enumerate(
            (b"\x09\x04", "edgehar".encode("utf-16le"), "i2c-tiny-usb".encode("utf-16le"))
        )
    },
}
# Standard requests, then the adapter's (i2c-tiny-usb.c); 4 to 7 transfer, bit 0 begins, 1 ends.
_GET_STATUS_USB, _GET_DESCRIPTOR = 0, 6
_ECHO, _GET_FUNC, _SET_DELAY, _GET_STATUS, _IO = 0, 1, 2, 3, range(4, 8)
_BEGIN = 1
_STATUS_ACK, _STATUS_NAK = 1, 2
_SHARE = re.compile(r"[01]|0?\.\d{1,6}")
_PATIENCE = struct.pack("@ll", 5, 0)


class Adapter:
    """The adapter's firmware: control transfers in, answers out."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._status = 0

    def control(self, asked: Control) -> bytes | None:
        """Return what is read, b"" for a write, None to stall."""
        if not asked.request_type & 0x60:
            return _standard(asked)
        if asked.request in _IO and not self._bus.fault_errno:
            return self._message(asked)
        answers = {
            _ECHO: struct.pack("<H", asked.value),
            _GET_FUNC: struct.pack("<I", FUNCTIONS),
            _SET_DELAY: b"",
            _GET_STATUS: bytes([self._status]),
        }
        return answers.get(asked.request)

    def _message(self, asked: Control) -> bytes | None:
        if not asked.reads and len(asked.data) != asked.length:
            return None
        data = None if asked.reads else asked.data
        message = Message(asked.index, data, asked.length if asked.reads else 0)
        self._bus.traffic.transfers += asked.request & _BEGIN
        answer = self._bus.message(message, self._bus.clock_us())
        self._status = _STATUS_NAK if answer is None else _STATUS_ACK
        self._bus.traffic.failed += answer is None
        # The driver reads the status next: until then a NACK looks like any transfer.
        return bytes(asked.length) if answer is None else answer


def _standard(asked: Control) -> bytes | None:
    if asked.request == _GET_DESCRIPTOR:
        return _DESCRIPTORS.get(asked.value >> 8, {}).get(asked.value & 0xFF)
    return bytes(2) if asked.request == _GET_STATUS_USB else None


class UsbI2c:
    """Serves a bus to one QEMU after another on a unix socket; a context manager.

    `lock` is held during a transfer; hold it to change the chips. Raises InputError.
    """

    def __init__(self, bus: Bus, path: Path) -> None:
        self.bus = bus
        self.lock = threading.Lock()
        self.problem: str | None = None
        """Why the last peer was turned away."""
        self._path = path
        self._plugged = True
        self._guest: Redirection | None = None
        self._connection: socket.socket | None = None

    def unplug(self) -> None:
        """Pull the adapter out of the guest."""
        with self.lock:
            self._plugged = False
            if self._guest is not None:
                with contextlib.suppress(OSError):
                    self._guest.unplug()

    def plug(self) -> None:
        """Put it back."""
        with self.lock:
            self._plugged = True
            if self._guest is not None:
                with contextlib.suppress(OSError):
                    self._guest.plug()

    def brown_out(self, address: int = 0x68) -> None:
        """Let a chip's supply dip."""
        with self.lock:
            self.bus.chips[address].brown_out(self.bus.clock_us())

    def __enter__(self) -> "UsbI2c":
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)
            self._listener.bind(str(self._path))
        except OSError as error:
            self._listener.close()
            raise InputError(f"{self._path}: no socket there ({error.strerror})") from error
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        with self.lock, contextlib.suppress(OSError):
            if self._connection is not None:
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError, EOFError):
                # Whoever stops reading must not hold the lock for ever.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)
                self._connection = connection
                try:
                    self._attend(connection)
                except RedirError as error:
                    self.problem = str(error)
            with self.lock:
                self._guest = self._connection = None

    def _attend(self, connection: socket.socket) -> None:
        guest = Redirection(connection, IDENTITY)
        adapter = Adapter(self.bus)
        with self.lock:
            self._guest = guest
            if self._plugged:
                guest.plug()
        for asked in guest.controls():
            with self.lock:
                if self._plugged:
                    guest.answer(asked, adapter.control(asked))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser(
        description="An i2c-tiny-usb adapter with an MPU-6050 behind it, for QEMU's usb-redir."
    )
    parser.add_argument("socket", type=Path, help="unix socket to make")
    parser.add_argument(
        "--recording", type=Path, help="its k-th sample is the chip's; else a wearer"
    )
    parser.add_argument("--who-am-i", type=_number, default=0x68, choices=list(MODELS))
    parser.add_argument("--address", type=_number, default=0x68)
    given = parser.parse_args(arguments)
    try:
        moved = feed.wearer(Wearer())
        if given.recording:
            moved = feed.by_index(feed.values(recording.read(given.recording)[0]))
        bus = Bus({given.address: Chip(moved, who_am_i=given.who_am_i)})
        with UsbI2c(bus, given.socket) as adapter, contextlib.suppress(KeyboardInterrupt):
            for line in sys.stdin:
                _obey(adapter, given.address, line.split())
    except EdgeharError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _number(text: str) -> int:
    return int(text, 0)


def _obey(adapter: UsbI2c, address: int, words: list[str]) -> None:
    match words:
        case ["unplug"]:
            adapter.unplug()
        case ["plug"]:
            adapter.plug()
        case ["brown-out"]:
            adapter.brown_out(address)
        case ["nacks", share] if _SHARE.fullmatch(share):
            adapter.bus.nack_share = float(share)
        case ["absent" | "present" as word]:
            adapter.bus.chips[address].absent = word == "absent"
        case _:
            sys.stderr.write(f"no such fault: {' '.join(words)}\n")


if __name__ == "__main__":
    sys.exit(main())
