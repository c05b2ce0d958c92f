"""I2C source: a sensor chip on a bus of this board. It survives every failure of the wires."""

import logging
import math
import time
from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime

from device.host.clock import utc_text
from device.sources import Health, SourceError
from device.sources.health import NO_DATA_S, Watcher
from device.sources.mpu.bringup import ACC_FULL_SCALE_G, GYRO_FULL_SCALE_DPS
from device.sources.mpu.bus import HOPELESS, Bus, cannot_open, error_text
from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.direct_reader import DirectReader
from device.sources.mpu.fifo_reader import FifoReader
from device.sources.mpu.port import ChipLostError, bring_up
from device.sources.mpu.registers import MODELS, Model
from device.sources.mpu.sample_times import SampleTimes
from device.sources.retry import PATIENCE_S, AbsentError, Retry
from firmware_bridge.samples import Samples

log = logging.getLogger(__name__)

BLOCK_S = 0.09
"""Shortest time between two blocks; a direct reader polls more often."""
ERRORS_S = 10.0
"""Time after an error on the bus during which the health lists `bus errors`."""
_RETRY_S = 0.005
_LOG_AGAIN_S = 60.0
_GYRO_FULL_SCALE_RAD_S = math.radians(GYRO_FULL_SCALE_DPS)


class I2cSource:
    """Samples of the chip at one address of one bus."""

    def __init__(self, bus: int, address: int, rate_hz: int, *, direct: bool = False) -> None:
        """`bus` is N of /dev/i2c-N; nothing is opened yet. `direct` reads without the FIFO."""
        self.name = f"i2c:{bus}:0x{address:02x}"
        self._bus, self._address = bus, address
        self._rate_hz = rate_hz
        self.nominal_hz = float(rate_hz)
        self._reader_type = DirectReader if direct else FifoReader
        self._counts = Counter(samples=0, lost=0, overflows=0, bus_errors=0, restarts=0)
        self._opened = 0
        self._model: Model
        self._watcher = Watcher()
        self._temperature_c: float | None = None
        self._retry = Retry(self.name)
        self._period_s: float | None = None
        self._clock_ppm: float | None = None
        self._fifo_free: float | None = None
        # Zero of the source's clock, on the host's monotonic clock.
        self._origin_s = self._heard_s = time.monotonic()
        self._last_s: float | None = None
        self._erred_s = self._logged_s = -math.inf

    @property
    def counts(self) -> dict[str, int]:
        """Samples, losses, FIFO overflows, bus errors, chip restarts and times the bus reopened."""
        return {**self._counts, "reopened": max(self._opened - 1, 0)}

    @property
    def health(self) -> Health:
        """Health of the chip now."""
        now = time.monotonic()
        problems = self._watcher.problems
        if now - self._erred_s < ERRORS_S:
            problems += ("bus errors",)
        if now - self._heard_s > NO_DATA_S:
            problems = (*(name for name in problems if name == "bus errors"), "no data")
        return Health(self._temperature_c, problems, self._clock_ppm, self._fifo_free)

    def date(self, t_s: float | None) -> str:
        """Return a time on the source's clock (None: now) as UTC, ISO 8601."""
        ago_s = 0.0 if t_s is None else time.monotonic() - self._origin_s - t_s
        return utc_text(datetime.fromtimestamp(time.time() - ago_s, UTC))

    def blocks(self) -> Generator[Samples]:
        """Return the chip's samples, without end; raises SourceError if the bus cannot be used."""
        return self._retry.blocks(self._open, self._follow)

    def _open(self) -> Bus:
        try:
            bus = Bus(self._bus, self._address)
        except OSError as error:
            raise _unopened(error)(cannot_open(error, self._bus)) from error
        try:
            who_am_i, self._model = bus.identify()
        except OSError as error:
            reason = bus.explain_silence(error)
            bus.close()
            raise _unopened(error)(reason) from error
        except SourceError:
            bus.close()
            raise
        treated = "" if who_am_i in MODELS else "a chip treated as an "
        log.info(
            "%s: %s (WHO_AM_I 0x%02x), %d g, %d deg/s, %d Hz; %d samples lost so far",
            self.name, treated + self._model.name, who_am_i, ACC_FULL_SCALE_G,
            GYRO_FULL_SCALE_DPS, self._rate_hz, self._counts["lost"],
        )  # fmt: skip
        self._opened += 1
        return bus

    def _follow(self, bus: Bus) -> Generator[Samples]:
        try:
            yield from self._restarting(bus)
        except OSError as error:
            self._erred_s = time.monotonic()
            raise AbsentError(error_text(error)) from error
        except ChipLostError as error:
            raise AbsentError(str(error)) from error

    def _restarting(self, bus: Bus) -> Generator[Samples]:
        """Read a chip and restart it when needed. Raises OSError, ChipLostError."""
        while True:
            registers = bring_up(bus, self._model, self._rate_hz, time.sleep)
            clock = ChipClock(1 / self._rate_hz, self._period_s)
            before = self._counts["samples"]
            try:
                reader = self._reader_type(bus, self._model, clock, registers, time.monotonic)
                yield from self._read(reader)
            except ChipLostError as why:
                if self._counts["samples"] == before:
                    raise
                log.warning("%s: %s; restarting the chip", self.name, why)
            self._counts["restarts"] += 1
            if clock.settled:
                self._period_s = clock.period_s

    def _read(self, reader: FifoReader | DirectReader) -> Generator[Samples]:
        """Read until the chip has to be restarted; raises ChipLostError with the reason."""
        run = SampleTimes(reader.clock, self._origin_s, self._last_s)
        failing_s: float | None = None
        released_s, overflows = time.monotonic(), 0
        while True:
            time.sleep(min(max(0.0, reader.due_s() - time.monotonic()), PATIENCE_S))
            try:
                first, counts = reader.poll()
            except OSError as error:
                self._count_error(error)
                failing_s = failing_s or time.monotonic()
                if time.monotonic() - failing_s > reader.patience_s:
                    raise ChipLostError(f"no answer ({error_text(error)})") from error
                time.sleep(_RETRY_S)
                yield Samples.empty()
                continue
            failing_s = None
            if len(counts):
                run.hold(first, counts)
                self._heard_s = time.monotonic()
            self._counts["overflows"] += reader.overflows - overflows
            overflows, self._temperature_c = reader.overflows, reader.temperature_c
            self._fifo_free = reader.fifo_free
            if reader.clock.settled:
                self._clock_ppm = 1e6 * (1 / (self._rate_hz * reader.clock.period_s) - 1)
            if time.monotonic() - released_s < BLOCK_S:
                continue
            released_s = time.monotonic()
            yield from self._count(run.release()) or (Samples.empty(),)

    def _count(self, blocks: list[Samples]) -> list[Samples]:
        for block in blocks:
            self._counts["samples"] += len(block)
            self._counts["lost"] += block.lost
            self._watcher.push(block, ACC_FULL_SCALE_G, _GYRO_FULL_SCALE_RAD_S)
            self._last_s, self._heard_s = float(block.t_s[-1]), time.monotonic()
            self._retry.reset()
        return blocks

    def _count_error(self, error: OSError) -> None:
        self._counts["bus_errors"] += 1
        self._erred_s = time.monotonic()
        if self._erred_s > self._logged_s + _LOG_AGAIN_S:
            self._logged_s = self._erred_s
            log.warning(
                "%s: %s on the bus; trying again (%d such errors so far)",
                self.name, error_text(error), self._counts["bus_errors"],
            )  # fmt: skip


def _unopened(error: OSError) -> type[AbsentError | SourceError]:
    return SourceError if error.errno in HOPELESS else AbsentError
