"""Runs the firmware in a simulated microcontroller, with a chip model on its bus, as a serial port.

The simulators (firmware/harness, under the GPL) are separate programs.
"""

import json
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from firmware_bridge.errors import EdgeharError
from firmware_bridge.simulator.chip import Chip

FOLDER = Path(__file__).parents[2] / "firmware_bridge" / "firmware"

_REQUEST = struct.Struct("<cQB")
_REPLY = struct.Struct("<BqB")
_ACKNOWLEDGED, _SDA_LOW = 1, 2


class FirmwareError(EdgeharError):
    """The firmware or its simulator fails to build or to run."""


@dataclass(frozen=True, slots=True)
class Image:
    """A firmware image and the simulator that runs it."""

    path: Path
    simulator: Path
    options: tuple[str, ...] = ()
    """For the simulator."""
    size: str = ""
    """Flash and RAM use, as the build prints it."""


def build_avr(build_dir: Path, mhz: int = 16, baud: int = 115200) -> Image:
    """Build the ATmega328P's image into `build_dir`, and its simulator. Raises FirmwareError."""
    size = _make(f"{build_dir}/edgehar.hex", f"BUILD={build_dir}", f"MHZ={mhz}", f"BAUD={baud}")
    _make("harness")
    simulator = FOLDER / "build" / "harness" / "harness"
    return Image(build_dir / "edgehar.elf", simulator, ("--mhz", str(mhz)), size)


def build_rp2040(build_dir: Path) -> Image:
    """Build the RP2040's image into `build_dir`. Raises FirmwareError."""
    size = _make(f"{build_dir}/edgehar.uf2", f"ARM_BUILD={build_dir}")
    return Image(build_dir / "edgehar.uf2", FOLDER / "harness" / "rp2040.py", size=size)


def _make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "--silent", "-C", str(FOLDER), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise FirmwareError(f"make {arguments[0]}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout.strip()


@dataclass(slots=True)
class Happening:
    """An event for the chip."""

    at_us: int
    """Time since the start, simulated."""
    act: Callable[[Chip, int], None]


@dataclass(slots=True)
class Bus:
    """Answers a simulator's bus requests from a chip model."""

    chip: Chip
    happenings: list[Happening] = field(default_factory=list)

    def answer(self, what: bytes, now_us: int, data: bytes, count: int) -> bytes:
        """Return the reply to a request; firmware/harness/bus.c defines both."""
        chip = self.chip
        while self.happenings and self.happenings[0].at_us <= now_us:
            event = self.happenings.pop(0)
            event.act(chip, max(event.at_us, 0))
        chip.advance(now_us)
        out: bytes | None = b""
        acknowledged = chip.answers(now_us)
        if what == b"W":
            acknowledged = chip.write(data, now_us)
        elif what in {b"R", b"C"}:
            out = chip.read(count, now_us, continued=what == b"C")
            acknowledged = out is not None
        elif what == b"K":
            chip.clock()
        flags = acknowledged * _ACKNOWLEDGED | (chip.sda_low_clocks > 0) * _SDA_LOW
        due_us = chip.next_data_ready_us(now_us)
        out = out or b""
        return _REPLY.pack(flags, -1 if due_us is None else due_us, len(out)) + out


class Simulation:
    """Firmware that runs in a separate process; a context manager."""

    def __init__(
        self,
        image: Image,
        chip: Chip,
        link: Path,
        seconds: float,
        *options: str,
        happenings: Iterable[Happening] = (),
    ) -> None:
        """`link` becomes the serial port; `options` are the simulator's (firmware/harness)."""
        self.bus = Bus(chip, sorted(happenings, key=lambda event: event.at_us))
        self._command = [
            str(image.simulator), "--image", str(image.path), *image.options,
            "--link", str(link), "--seconds", str(seconds), *options,
        ]  # fmt: skip
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="edgehar-")
        path = f"{self._folder.name}/chip"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen(1)
        self._process = subprocess.Popen(
            [*self._command, "--chip", path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        try:
            connection, _ = self._server.accept()
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(_REQUEST.size):
                    what, now_us, count = _REQUEST.unpack(head)
                    data = stream.read(count) if what == b"W" else b""
                    connection.sendall(self.bus.answer(what, now_us, data, count))
        except (OSError, struct.error):
            return  # the simulator ended within a request
        except Exception as error:
            self._error = error
            raise

    def wait(self, timeout_s: float = 60.0) -> dict[str, float]:
        """Return the summary that the simulator prints at its end. Raises FirmwareError."""
        try:
            out, problem = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise FirmwareError(f"the simulation did not end in {timeout_s:g} s") from error
        if self._error is not None:
            raise FirmwareError("the chip model failed") from self._error
        if self._process.returncode:
            raise FirmwareError(f"the simulator failed: {problem.strip()}")
        summary: dict[str, float] = json.loads(out.splitlines()[-1])
        return summary

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        self._folder.cleanup()
