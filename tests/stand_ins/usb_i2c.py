"""An i2c-tiny-usb adapter with chips behind it, for a guest in QEMU, over usbredir.

The guest's driver turns the adapter into a real /dev/i2c-N:

    python -m tests.stand_ins.usb_i2c SOCKET [--recording FILE]
    qemu-system-… -device qemu-xhci -chardev socket,id=i2c,path=SOCKET \
        -device usb-redir,chardev=i2c -smp 1

(With two processors in the guest a transfer takes milliseconds.) It reads faults from standard
input, one a line: unplug, plug, brown-out, nacks SHARE (0 to 1 of the messages), absent, present.
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

from firmware_bridge import recording
from firmware_bridge.errors import EdgeharError
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.bus import Bus, Message
from firmware_bridge.simulator.bus_server import BusServer
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.registers import MODELS
from firmware_bridge.simulator.wearer import Wearer
from tests.stand_ins.usbredir import Control, Identity, Redirection, RedirError

IDENTITY = Identity(vendor=0x0403, product=0xC631, version=0x0205, packet_bytes=8)
"""The Linux driver i2c-tiny-usb recognises its device by these numbers."""
ADDRESS = 0x68
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
# Standard requests, then the adapter's (i2c-tiny-usb.c). In 4 to 7, transfers, bit 0 marks the
# first message and bit 1 the last.
_GET_STATUS_USB, _GET_DESCRIPTOR = 0, 6
_ECHO, _GET_FUNC, _SET_DELAY, _GET_STATUS, _IO = 0, 1, 2, 3, range(4, 8)
_STATUS_ACK, _STATUS_NAK = 1, 2
_SHARE = re.compile(r"[01]|0?\.\d{1,6}")
_PATIENCE = struct.pack("@ll", 5, 0)


class Adapter:
    """The adapter's firmware: answers control transfers."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._status = 0

    def control(self, control: Control) -> bytes | None:
        """Return the bytes read, b"" for a write, None to stall."""
        if not control.request_type & 0x60:
            return _standard(control)
        if control.request in _IO and not self._bus.fault_errno:
            return self._message(control)
        answers = {
            _ECHO: struct.pack("<H", control.value),
            _GET_FUNC: struct.pack("<I", FUNCTIONS),
            _SET_DELAY: b"",
            _GET_STATUS: bytes([self._status]),
        }
        return answers.get(control.request)

    def _message(self, control: Control) -> bytes | None:
        if not control.reads and len(control.data) != control.length:
            return None
        data = None if control.reads else control.data
        message = Message(control.index, data, control.length if control.reads else 0)
        self._bus.traffic.transfers += control.request & 1
        answer = self._bus.message(message, self._bus.clock_us())
        self._status = _STATUS_NAK if answer is None else _STATUS_ACK
        self._bus.traffic.failed += answer is None
        # A NACK shows only in the status, which the driver reads next.
        return bytes(control.length) if answer is None else answer


def _standard(control: Control) -> bytes | None:
    if control.request == _GET_DESCRIPTOR:
        return _DESCRIPTORS.get(control.value >> 8, {}).get(control.value & 0xFF)
    return bytes(2) if control.request == _GET_STATUS_USB else None


class UsbI2c(BusServer):
    """An adapter for one QEMU after another; a context manager."""

    def __init__(self, bus: Bus, path: Path) -> None:
        super().__init__(bus, path)
        self.problem: str | None = None
        """Why the last peer was rejected."""
        self._plugged = True
        self._guest: Redirection | None = None
        self._turn = threading.Lock()

    def unplug(self) -> None:
        """Unplug the adapter from the guest."""
        with self.lock, contextlib.suppress(OSError):
            self._plugged = False
            if self._guest is not None:
                self._guest.unplug()

    def plug(self) -> None:
        """Plug the adapter in."""
        with self.lock, contextlib.suppress(OSError):
            self._plugged = True
            if self._guest is not None:
                self._guest.plug()

    def _serve(self, connection: socket.socket) -> None:
        # A peer that stops reading must not keep the lock for ever.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)
        with self._turn:
            try:
                self._attend_guest(connection)
            except RedirError as error:
                self.problem = str(error)
            finally:
                with self.lock:
                    self._guest = None

    def _attend_guest(self, connection: socket.socket) -> None:
        guest = Redirection(connection, IDENTITY)
        adapter = Adapter(self.bus)
        with self.lock:
            self._guest = guest
            if self._plugged:
                guest.plug()
        for control in guest.controls():
            with self.lock:
                if self._plugged:
                    guest.answer(control, adapter.control(control))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser(
        description="An i2c-tiny-usb adapter with an MPU-6050 behind it, for QEMU's usb-redir."
    )
    parser.add_argument("socket", type=Path, help="unix socket to create")
    parser.add_argument(
        "--recording",
        type=Path,
        help="gives the chip's samples one by one; default: a synthetic wearer",
    )
    parser.add_argument(
        "--who-am-i", type=lambda text: int(text, 0), default=0x68, choices=list(MODELS)
    )
    options = parser.parse_args(arguments)
    try:
        motion = feed.wearer(Wearer())
        if options.recording:
            motion = feed.by_index(feed.values(recording.read(options.recording)[0]))
        bus = Bus({ADDRESS: Chip(motion, who_am_i=options.who_am_i)})
        with UsbI2c(bus, options.socket) as adapter, contextlib.suppress(KeyboardInterrupt):
            for line in sys.stdin:
                _obey(adapter, line.split())
    except EdgeharError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _obey(adapter: UsbI2c, words: list[str]) -> None:
    match words:
        case ["unplug"]:
            adapter.unplug()
        case ["plug"]:
            adapter.plug()
        case ["brown-out"]:
            adapter.brown_out(ADDRESS)
        case ["nacks", share] if _SHARE.fullmatch(share):
            adapter.bus.nack_share = float(share)
        case ["absent" | "present" as word]:
            adapter.bus.chips[ADDRESS].absent = word == "absent"
        case _:
            sys.stderr.write(f"unknown fault: {' '.join(words)}\n")


if __name__ == "__main__":
    sys.exit(main())
