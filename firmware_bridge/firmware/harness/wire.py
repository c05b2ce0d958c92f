# Copyright (C) 2026 the edgehar authors
#
# This program is free software: you can redistribute it and/or modify it under the terms of the GNU
# General Public License as published by the Free Software Foundation, either version 2 of the
# License, or (at your option) any later version. It is distributed in the hope that it will be
# useful, but WITHOUT ANY WARRANTY. See <https://www.gnu.org/licenses/>.
#
# This file alone, because it uses Unicorn, which is under that licence.
"""The wires of a simulated microcontroller: to a sensor (as in bus.c) and to a serial line."""

import array
import fcntl
import os
import select
import socket
import struct
import termios
import time
import tty
from contextlib import suppress
from pathlib import Path

REQUEST, REPLY = struct.Struct("<cQB"), struct.Struct("<BqB")
PATIENCE_S = 30


class Sensor:
    """A sensor, reached through a socket."""

    def __init__(self, path: str) -> None:
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(path)
        self.due_us = -1
        self.sda_low = False

    def ask(
        self, kind: bytes, now_us: int, data: bytes = b"", count: int = 0
    ) -> tuple[bool, bytes]:
        """Send a request; return whether the sensor acknowledges, and its data."""
        self.stream.sendall(REQUEST.pack(kind, now_us, count or len(data)) + data)
        flags, self.due_us, size = REPLY.unpack(self.stream.recv(REPLY.size, socket.MSG_WAITALL))
        self.sda_low = bool(flags & 2)
        return bool(flags & 1), self.stream.recv(size, socket.MSG_WAITALL) if size else b""


class Line:
    """The UART's other end: a pseudo-terminal."""

    def __init__(self, link: Path, patient: bool) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        part = link.with_name(link.name + ".part")
        part.unlink(missing_ok=True)
        part.symlink_to(os.ttyname(self.slave))
        part.replace(link)
        self.patient = patient
        self.sent = self.dropped = 0
        self.received = bytearray()
        self.out = bytearray()

    def work(self, timeout_s: float = 0.0) -> None:
        """Send `out`, and receive bytes for at most `timeout_s`."""
        while self.out:
            with suppress(BlockingIOError):
                count = os.write(self.master, self.out)
                self.sent += count
                del self.out[:count]
            if self.out and not (
                self.patient and select.select([], [self.master], [], PATIENCE_S)[1]
            ):
                self.dropped += len(self.out)
                self.out.clear()
        if select.select([self.master], [], [], timeout_s)[0]:
            with suppress(OSError):
                self.received += os.read(self.master, 256)

    def drain(self) -> None:
        """Wait until the reader has read all bytes; the kernel may buffer more than it counts."""
        unread, quiet = array.array("i", [0]), 0
        for _ in range(250):
            fcntl.ioctl(self.slave, termios.FIONREAD, unread)
            quiet = 0 if unread[0] else quiet + 1
            if quiet == 5:
                return
            time.sleep(0.02)
