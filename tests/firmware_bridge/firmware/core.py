"""The firmware's core, compiled for this machine, with a chip model on its bus."""

import ctypes as c
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from firmware_bridge.decoder import Decoder
from firmware_bridge.protocol import Message
from firmware_bridge.simulator.chip import Chip
from tests.stand_ins.firmware import FOLDER

OK, REFUSED, BROKEN = 0, 1, 2
NAP_US = 32_768
"""The timer of a microcontroller wakes it so often."""
BYTE_US = 25
"""Nine bits at 400 kHz, and a little."""
STEP_US = 7
"""Between two places where an interrupt makes a difference."""

_WRITE = c.CFUNCTYPE(c.c_int, c.c_uint8, c.POINTER(c.c_uint8), c.c_uint8)
_READ = c.CFUNCTYPE(c.c_int, c.c_uint8, c.c_uint8, c.POINTER(c.c_uint8), c.c_uint8)
_RECOVER = c.CFUNCTYPE(c.c_bool)
_SLEEP = c.CFUNCTYPE(None)


class _Host(c.Structure):
    _fields_ = (
        ("write", _WRITE),
        ("read", _READ),
        ("recover", _RECOVER),
        ("sleep", _SLEEP),
        ("pass_", _SLEEP),
        ("now_us", c.c_uint64),
        ("kicks", c.c_uint32),
    )


def built() -> Path:
    """Build; return the library. Raises CalledProcessError."""
    command = ["make", "--silent", "-C", str(FOLDER), "host"]
    folder = os.open(FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # tests of two processes build in one place
        subprocess.run(command, check=True, capture_output=True, text=True)
    finally:
        os.close(folder)
    return FOLDER / "build" / "host" / "libedgehar.so"


def fresh(library: Path) -> c.CDLL:
    """Return the library as after a reset: with data of its own."""
    with tempfile.NamedTemporaryFile(suffix=".so") as copy:
        shutil.copyfile(library, copy.name)
        return c.CDLL(copy.name)


def sent(lib: c.CDLL) -> bytes:
    buffer = (c.c_uint8 * 65536)()
    return bytes(buffer[: lib.host_sent(buffer)])


class Core:
    """The firmware on a host: its time is `now_us`, its bus is `chip`."""

    def __init__(
        self, library: Path, chip: Chip, *, int_wired: bool = True, address: int = 0x68
    ) -> None:
        self.chip = chip
        self._address = address
        self.lib = fresh(library)
        self.host = _Host.in_dll(self.lib, "host")
        self.int_wired = int_wired
        self.cut: Callable[[int], int | None] = lambda _: None
        """After how many of so many bytes a read breaks off; None: it does not."""
        self.byte_us = BYTE_US
        self.early_us = 0
        """How long INT comes before the FIFO has the sample."""
        self.interrupts = 0
        self.longest_us = 0
        """The longest that the watchdog was not kicked, on a bus of the usual speed."""
        self._kicked = 0, 0
        self.decoder = Decoder()
        self.messages: list[Message] = []
        # Held here: ctypes keeps no callback alive.
        self._calls = (
            _WRITE(self._write), _READ(self._read), _RECOVER(self._recover), _SLEEP(self._sleep),
            _SLEEP(lambda: self._pass_time(STEP_US)),
        )  # fmt: skip
        host = self.host
        host.write, host.read, host.recover, host.sleep, host.pass_ = self._calls
        self.lib.app_start()

    @property
    def now_us(self) -> int:
        return int(self.host.now_us)

    def run(self, seconds: float) -> None:
        """Run so long; collect what it says."""
        until = self.now_us + round(seconds * 1e6)
        while self.now_us < until:
            self.lib.app_step()
            self.messages += self.decoder.feed(sent(self.lib))

    def until_sample(self, number: int) -> None:
        """Run until the last digit of what the chip announced is that."""
        while self.interrupts % 10 != number:
            self.lib.app_step()
        self.messages += self.decoder.feed(sent(self.lib))

    def tell(self, data: bytes) -> None:
        self.lib.host_receive(data, len(data))

    def _pass_time(self, us: int, *, until_interrupt: bool = False) -> None:
        """Let time go on; the chip's interrupts come when they are due."""
        self._watch()
        until = self.now_us + us
        at = self.now_us
        while (due := self._next_us(at)) is not None and due <= until:
            at = due
            self.interrupts += 1
            if self.int_wired:
                self.host.now_us = due
                self.lib.sampler_data_ready(c.c_uint32(due & 0xFFFFFFFF))
                if until_interrupt:
                    return
        self.host.now_us = until

    def _watch(self) -> None:
        kicks, since_us = self._kicked
        if self.host.kicks != kicks or self.byte_us != BYTE_US:
            self._kicked = self.host.kicks, self.now_us
        else:
            self.longest_us = max(self.longest_us, self.now_us - since_us)

    def _next_us(self, at: int) -> int | None:
        due = self.chip.next_data_ready_us(at + self.early_us)
        return None if due is None else due - self.early_us

    def _sleep(self) -> None:
        self._pass_time(NAP_US - self.now_us % NAP_US, until_interrupt=True)

    def _write(self, address: int, data: "c._Pointer[c.c_uint8]", count: int) -> int:
        self._pass_time(self.byte_us * (1 + count))
        if address != self._address:
            return REFUSED
        return OK if self.chip.write(bytes(data[:count]), self.now_us) else REFUSED

    def _read(self, address: int, start: int, data: "c._Pointer[c.c_uint8]", count: int) -> int:
        self._pass_time(self.byte_us * (3 + count))
        if address != self._address or not self.chip.write(bytes([start]), self.now_us):
            return REFUSED
        cut = self.cut(count)
        out = self.chip.read(count if cut is None else cut, self.now_us)
        if out is None:
            return REFUSED
        for place, byte in enumerate(out):
            data[place] = byte
        return OK if cut is None else BROKEN

    def _recover(self) -> bool:
        for _ in range(9):
            if self.chip.sda_low_clocks:
                self.chip.clock()
        return not self.chip.sda_low_clocks
