"""The firmware's core, compiled for this machine, with a chip model on its bus."""

import ctypes as c
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from firmware_bridge.decoder import Decoder
from firmware_bridge.framing import seal
from firmware_bridge.protocol import SAMPLE, Batch, Command, Hello, Message, Status, pack
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.feed import Int64, by_index
from tests.stand_ins.firmware import FOLDER

OK, REFUSED, BROKEN = 0, 1, 2
PERIOD_US = 20_000
WATCHDOG_US = 500_000
NAP_US = 32_768
"""Period of the timer that wakes a microcontroller."""
BYTE_US = 25
"""A little more than nine bits at 400 kHz."""
STEP_US = 7
"""Time between two places where an interrupt makes a difference."""

_NUMBERS = np.arange(65_536)
NUMBERED = by_index(
    np.column_stack(
        [(_NUMBERS - 32_768) / 8192, *np.zeros((3, 65_536)), *np.ones((2, 65_536)) * 90.0]
    )
)
"""A feed in which each sample shows its index in its first count."""

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
    """Build and return the library. Raises CalledProcessError."""
    command = ["make", "--silent", "-C", str(FOLDER), "host"]
    folder = os.open(FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # several test processes share the build folder
        subprocess.run(command, check=True, capture_output=True, text=True)
    finally:
        os.close(folder)
    return FOLDER / "build" / "host" / "libedgehar.so"


def fresh(library: Path) -> c.CDLL:
    """Return a copy of the library in its reset state, with separate data."""
    with tempfile.NamedTemporaryFile(suffix=".so") as copy:
        shutil.copyfile(library, copy.name)
        return c.CDLL(copy.name)


def sent(lib: c.CDLL) -> bytes:
    buffer = (c.c_uint8 * 65536)()
    return bytes(buffer[: lib.host_sent(buffer)])


class Core:
    """The firmware on this machine, with a chip on its bus."""

    def __init__(
        self, library: Path, chip: Chip, *, int_wired: bool = True, address: int = 0x68
    ) -> None:
        self.chip = chip
        self._address = address
        self.lib = fresh(library)
        self.host = _Host.in_dll(self.lib, "host")
        self.int_wired = int_wired
        self.cut: Callable[[int], int | None] = lambda _: None
        """Maps a read's byte count to the count after which the read breaks; None: it succeeds."""
        self.byte_us = BYTE_US
        self.early_us = 0
        """Time from INT until the FIFO has the sample."""
        self.interrupts = 0
        self.longest_us = 0
        """The longest time between two kicks of the watchdog, on a bus of normal speed."""
        self._kicked = 0, 0
        self.decoder = Decoder()
        self.messages: list[Message] = []
        # A reference, because ctypes keeps no callback alive.
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

    @property
    def batches(self) -> list[Batch]:
        return [message for message in self.messages if isinstance(message, Batch)]

    @property
    def statuses(self) -> list[Status]:
        return [message for message in self.messages if isinstance(message, Status)]

    @property
    def hellos(self) -> list[Hello]:
        return [message for message in self.messages if isinstance(message, Hello)]

    def samples(self) -> tuple[Int64, Int64, Int64]:
        """Return each sample's index in the frames, its time in µs, and its index in NUMBERED."""
        index, time_us, shown = [], [], []
        for batch in self.batches:
            raw = np.frombuffer(batch.samples, SAMPLE)
            index.append(batch.index + np.arange(len(raw)))
            time_us.append(batch.time_us + np.cumsum(raw["dt_us"], dtype=np.int64))
            shown.append(raw["acc"][:, 0].astype(np.int64) + 32_768)
        return np.concatenate(index), np.concatenate(time_us), np.concatenate(shown)

    def run(self, seconds: float) -> None:
        """Run the firmware and collect its messages."""
        until = self.now_us + round(seconds * 1e6)
        while self.now_us < until:
            self.lib.app_step()
            self.messages += self.decoder.feed(sent(self.lib))

    def silence_bus(self, seconds: float) -> None:
        """Run with a chip that answers no transfer."""
        self.chip.nack_until_us = self.now_us + round(seconds * 1e6)
        self.run(seconds)

    def until_sample(self, number: int) -> None:
        """Run until the count of the chip's interrupts ends in this digit."""
        while self.interrupts % 10 != number:
            self.lib.app_step()
        self.messages += self.decoder.feed(sent(self.lib))

    def send(self, *commands: Command) -> None:
        """Send commands to the firmware, in place of those that it has not read yet."""
        data = b"".join(seal(pack(command)) for command in commands)
        self.lib.host_receive(data, len(data))

    def _pass_time(self, us: int, *, until_interrupt: bool = False) -> None:
        """Advance the time, and raise the chip's interrupts when they are due."""
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
