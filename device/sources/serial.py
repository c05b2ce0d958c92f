"""Serial source: a microcontroller on a serial line, which may be unplugged at any time."""

import errno
import logging
import termios
import time
from collections.abc import Generator
from dataclasses import asdict
from datetime import UTC, datetime

import serial

from device.host.clock import utc_text
from device.sources import Health, SourceError
from device.sources.device_status import DeviceStatus
from device.sources.health import NO_DATA_S, Watcher
from device.sources.retry import PATIENCE_S, AbsentError, Retry
from firmware_bridge.clock import ClockFit
from firmware_bridge.decoder import Decoder
from firmware_bridge.framing import DELIMITER, seal
from firmware_bridge.protocol import Code, Command, Hello, Status, pack
from firmware_bridge.sample_assembler import Assembler
from firmware_bridge.samples import Samples

log = logging.getLogger(__name__)

SETTLE_S = 0.005
"""Time to wait for the rest of a partly received frame: at 115200 baud a frame takes 13 ms."""
ASK_AGAIN_S = 1.0
"""Time between requests for a hello."""
STRANGE_AFTER_S = 5.0
"""After this time without a hello, the log names possible causes."""
_FAR_S = 1e9

_GREETING = seal(pack(Command(Code.HELLO)))
_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}
_ADVICE = {
    errno.EACCES: "no permission; add this user to the group that owns it (often dialout)",
    errno.EAGAIN: "in use by another program; is edgehar running already?",
    errno.ENOENT: "not there",
}
_FAULTS = (OSError, termios.error)  # pyserial's own exceptions are subclasses of OSError


class SerialSource:
    """Samples of the device at one serial port."""

    def __init__(self, port: str, baud: int) -> None:
        """`port` is a path such as /dev/ttyUSB0; nothing is opened yet."""
        self.name = f"serial:{port}"
        self._path, self._baud = port, baud
        self._decoder = Decoder()
        self._assembler = Assembler()
        self._clock = ClockFit()
        self._hello: Hello | None = None
        self._retry = Retry(self.name)
        self._unplugged = self._lost_before = 0
        self._watcher = Watcher()
        self._status = DeviceStatus()
        self._heard_s = time.monotonic()

    @property
    def nominal_hz(self) -> float | None:
        """The rate that the device's hello states; None before the hello."""
        return self._hello.rate_mhz / 1000 if self._hello else None

    @property
    def counts(self) -> dict[str, int]:
        """Frames, samples and losses since the start."""
        frames = asdict(self._decoder.counts)
        return {
            "frames": frames.pop("frames"),
            **{f"frames_{name}": count for name, count in frames.items()},
            **asdict(self._assembler.counts),
            **self._status.totals,
            "unplugged": self._unplugged,
        }

    @property
    def health(self) -> Health:
        """Health of the sensor now."""
        silent = time.monotonic() - self._heard_s > NO_DATA_S
        problems = self._status.problems + (("no data",) if silent else self._watcher.problems)
        return Health(self._status.temperature_c, problems, self._clock.device_ppm)

    def date(self, t_s: float | None) -> str:
        """Return a device time (None: now) as UTC, ISO 8601, by the host's present clock."""
        at = None if t_s is None else self._clock.host_s(t_s)
        ago_s = 0.0 if at is None else time.monotonic() - at
        # Bounded, so that a date exists whatever clock the device claims to have.
        ago_s = min(max(-_FAR_S, ago_s), _FAR_S)
        return utc_text(datetime.fromtimestamp(time.time() - ago_s, UTC))

    def blocks(self) -> Generator[Samples]:
        """Return the port's samples, without end; raises SourceError if it cannot be used."""
        return self._retry.blocks(self._open, self._read)

    def _open(self) -> serial.Serial:
        try:
            return serial.Serial(
                self._path, self._baud, timeout=PATIENCE_S, write_timeout=PATIENCE_S, exclusive=True
            )
        except (*_FAULTS, ValueError) as error:  # ValueError: the driver refuses the baud rate
            absent = getattr(error, "errno", None) in _ABSENT
            raise (AbsentError if absent else SourceError)(_why(error)) from error

    def _read(self, port: serial.Serial) -> Generator[Samples]:
        try:
            yield from self._listen(port)
        except _FAULTS as error:
            self._unplugged += 1
            self._lost_before = self._assembler.counts.lost
            raise AbsentError(_why(error)) from error

    def _listen(self, port: serial.Serial) -> Generator[Samples]:
        self._decoder.reopened()
        self._assembler.reopened()
        self._hello = None
        ask_at = opened = time.monotonic()
        received, strange, before = 0, False, self._decoder.counts.frames
        while True:
            now = time.monotonic()
            if self._hello is None and now >= ask_at:
                port.write(_GREETING)
                ask_at = now + ASK_AGAIN_S
                if now - opened >= STRANGE_AFTER_S and not strange:
                    strange = True
                    self._log_causes(received, self._decoder.counts.frames - before)
            data = port.read(1)
            data += port.read(port.in_waiting) if data else b""
            received += len(data)
            yield from self._decode(data) or (Samples.empty(),)
            if data and not data.endswith(DELIMITER):
                time.sleep(SETTLE_S)

    def _decode(self, data: bytes) -> list[Samples]:
        messages = self._decoder.feed(data)
        reboots, problem = self._assembler.counts.reboots, self._assembler.problem
        blocks = self._assembler.push(messages)
        if self._assembler.counts.reboots != reboots:
            log.warning("%s: the device has restarted", self.name)
            self._clock = ClockFit()
        if blocks:
            self._clock.add(float(blocks[-1].t_s[-1]), time.monotonic())
        if self._assembler.problem not in {None, problem}:
            log.error("%s: %s", self.name, self._assembler.problem)
        for message in messages:
            if isinstance(message, Hello):
                if self._hello is None:
                    self._retry.reset()
                    self._introduce(message)
                self._hello = message
                self._status.booted(message.boot)
            elif isinstance(message, Status):
                for change in self._status.hear(message):
                    log.warning("%s: %s", self.name, change)
        self._watch(blocks)
        return blocks

    def _watch(self, blocks: list[Samples]) -> None:
        for block in blocks:
            self._heard_s = time.monotonic()
            if self._hello is not None:
                gyro_rad_s = self._hello.gyro_rad_s_per_count * 32768
                self._watcher.push(block, self._hello.acc_full_scale_g, gyro_rad_s)

    def _introduce(self, hello: Hello) -> None:
        lost = self._assembler.counts.lost
        log.info(
            "%s: firmware %s, chip 0x%02x, %d g, %d deg/s, %g Hz; %s",
            self.name, hello.firmware, hello.chip, hello.acc_full_scale_g,
            hello.gyro_full_scale_dps, hello.rate_mhz / 1000,
            f"{lost - self._lost_before} samples lost meanwhile, {lost} in all"
            if self._unplugged else "listening",
        )  # fmt: skip

    def _log_causes(self, received: int, frames: int) -> None:
        if not received:
            log.warning("%s: no bytes arrive; is the sensor's program running?", self.name)
        elif not frames:
            log.warning(
                "%s: %d bytes arrived, no edgehar frame; is it the right port, and at %d baud?",
                self.name, received, self._baud,
            )  # fmt: skip
        else:
            log.warning("%s: samples arrive, but no hello that gives their units", self.name)


def _why(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if number in _ADVICE:
        return _ADVICE[number]
    if isinstance(error, termios.error) or "Could not configure" in str(error):
        return f"not a serial port ({error})"
    # pyserial's message for an unplugged port is long and guesses at causes.
    return "unplugged" if "returned no data" in str(error) else str(error)
