"""A model of an MPU-6050, MPU-6500 or MPU-9250: registers, FIFO, interrupt, time. No I/O.

The caller passes the time. The chip samples at its own instants, so the times of reads never change
the samples. If the data sheet is ambiguous, the model is the stricter chip: an MPU-6050 obeys
FIFO_RESET only if the same write clears FIFO_EN, a status bit is set even if its interrupt is
disabled, and an axis in standby reads 0. Not modelled: the low-pass itself, cycle mode, auxiliary
bus, DMP, self-test, magnetometer.
"""

import math

import numpy as np

from firmware_bridge.samples import Float64
from firmware_bridge.simulator import registers as reg
from firmware_bridge.simulator.feed import Feed, Int64
from firmware_bridge.simulator.fifo import Fifo
from firmware_bridge.simulator.noise import Noise
from firmware_bridge.simulator.settings import Settings

INT_PULSE_US = 50
"""Width of an INT pulse that is not latched (RM-MPU-6000A, register 0x37)."""
RESET_US = 20_000
"""Time without register writes after DEVICE_RESET (PS-MPU-6000A, typical start-up time)."""


class Chip:
    """A sensor on an I2C bus. Times are whole µs on the caller's clock, and never go back.

    Faults are attributes, which apply to the samples after the last call:
    `absent` (no answer), `nack_until_us` (no answer before), `sda_low_clocks` (blocks the bus,
    without an answer, until clocked this often), `stuck` (channel 0 to 5: its constant count),
    `temperature_c`.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        who_am_i: int = 0x68,
        ppm: float = 0.0,
        noise: Noise | None = None,
        now_us: int = 0,
    ) -> None:
        """Power on. The oscillator is fast by `ppm`."""
        self.who_am_i = who_am_i
        self.ppm = ppm
        self.absent = False
        self.nack_until_us = 0
        self.sda_low_clocks = 0
        self.stuck: dict[int, int] = {}
        self.temperature_c = 25.0
        self.sample_count = 0
        """Samples since power-on."""
        self._feed = feed
        self._noise = noise or Noise()
        self._began: tuple[int, float] | None = None
        self._pointer = 0
        self._reset_until_us = self._now_us = now_us
        self._power_up()

    def brown_out(self, now_us: int) -> None:
        """Restart with every register at its reset value and an empty FIFO."""
        self.advance(now_us)
        self._power_up()

    def _power_up(self) -> None:
        self._settings = Settings(self.who_am_i)
        self._file = self._settings.file
        self.fifo = Fifo(self._settings.model.fifo_bytes)
        self._pulse_us = -math.inf
        self._unlatched: tuple[int, float] | None = None
        self._restart()

    def answers(self, now_us: int) -> bool:
        """Return whether the chip acknowledges its address."""
        return not self.absent and now_us >= self.nack_until_us and not self.sda_low_clocks

    def clock(self) -> bool:
        """Clock the idle bus once; return whether SDA is high afterwards."""
        self.sda_low_clocks = max(0, self.sda_low_clocks - 1)
        return not self.sda_low_clocks

    def write(self, data: bytes, now_us: int) -> bool:
        """Write: a register number, then data for it and the next ones. False is a NACK."""
        if not self.answers(now_us):
            return False
        self.advance(now_us)
        if data:
            self._pointer = data[0] % reg.COUNT
        for byte in data[1:]:
            self._write_register(self._pointer, byte)
            if self._pointer != reg.FIFO_R_W:
                self._pointer = (self._pointer + 1) % reg.COUNT
        return True

    def read(self, count: int, now_us: int, *, continued: bool = False) -> bytes | None:
        """Read `count` bytes from the last written register number on; None is a NACK.

        Within one transaction the sensor registers do not change: for a transaction in several
        reads, set `continued` from the second one on.
        """
        if not self.answers(now_us):
            return None
        self.advance(now_us)
        if not continued:
            self._latch()
        out = bytearray()
        while len(out) < count:
            if self._pointer == reg.FIFO_R_W:
                rest = count - len(out)
                out += self.fifo.take(rest) if self._settings.fifo_on else self.fifo.repeat(rest)
            else:
                out.append(self._read_register(self._pointer))
                self._pointer = (self._pointer + 1) % reg.COUNT
        if out and self._file[reg.INT_PIN_CFG] & reg.INT_RD_CLEAR:
            self._file[reg.INT_STATUS] = 0
        return bytes(out)

    def interrupt(self, now_us: int) -> bool:
        """Return the level of the INT pin."""
        self.advance(now_us)
        latched = self._file[reg.INT_PIN_CFG] & reg.LATCH_INT_EN
        status = self._file[reg.INT_STATUS] & self._file[reg.INT_ENABLE]
        active = bool(status) if latched else self._now_us < self._pulse_us + INT_PULSE_US
        return active != bool(self._file[reg.INT_PIN_CFG] & reg.INT_LEVEL_LOW)

    def next_data_ready_us(self, now_us: int) -> int | None:
        """Return when the next sample raises INT without another write; None for never."""
        self.advance(now_us)
        if not self._settings.awake or not self._file[reg.INT_ENABLE] & reg.DATA_RDY:
            return None
        at_us = math.ceil(self._anchor_us + (self._ticks + 1) * self._period_us)
        while self._due(at_us) <= self._ticks:  # rounding
            at_us += 1
        return at_us

    def advance(self, now_us: int) -> None:
        """Take the samples that are due. A day costs as much as a second."""
        self._now_us = max(now_us, self._now_us)
        if self._settings.resetting:
            if self._now_us < self._reset_until_us:
                return
            self._file[reg.PWR_MGMT_1] &= ~reg.DEVICE_RESET
            self._restart(self._reset_until_us)
        new = self._due(self._now_us) - self._ticks if self._settings.awake else 0
        if not new:
            return
        first, self.sample_count = self.sample_count, self.sample_count + new
        last_us = self._anchor_us + (self._ticks + new) * self._period_us
        self._raise(reg.DATA_RDY, last_us)
        words = self._settings.fifo_words
        if words and self._settings.fifo_on and self._fill(words, first, new):
            self._raise(reg.FIFO_OFLOW, last_us)
        self._ticks += new
        self._unlatched = self.sample_count - 1, last_us

    # ---- registers

    def _read_register(self, number: int) -> int:
        if number == reg.FIFO_COUNTH:  # latches the low byte
            self._file[number : number + 2] = len(self.fifo).to_bytes(2, "big")
        elif reg.ACCEL_XOUT_H <= number <= reg.GYRO_ZOUT_L and self._settings.awake:
            self._begin(max(self.sample_count - 1, 0))
        value = self._file[number]
        if number == reg.INT_STATUS:
            self._file[number] = 0
        return value

    def _write_register(self, number: int, value: int) -> None:
        if number in reg.READ_ONLY or self._settings.resetting:
            return
        self._latch()  # earlier samples keep their scale
        pace = self._settings.awake, self._period_us
        if number == reg.PWR_MGMT_1 and value & reg.DEVICE_RESET:
            self._power_up()
            self._file[number] |= reg.DEVICE_RESET
            self._reset_until_us = self._now_us + RESET_US
            return
        if number == reg.USER_CTRL:
            refused = value & reg.USER_FIFO_EN and not self._settings.model.later
            if value & reg.FIFO_RESET and not refused:
                self.fifo.clear()
            if value & reg.SIG_COND_RESET:
                self._file[reg.ACCEL_XOUT_H : reg.GYRO_ZOUT_L + 1] = bytes(14)
            value &= ~reg.USER_RESETS
        elif number == reg.SIGNAL_PATH_RESET:
            value = 0
        elif number == reg.FIFO_R_W:
            return
        self._file[number] = value
        if pace != (self._settings.awake, self._period_us):
            self._restart()
        if self._settings.sampling_requested:
            self._begin(self.sample_count)

    def _raise(self, bit: int, at_us: float) -> None:
        self._file[reg.INT_STATUS] |= bit
        if self._file[reg.INT_ENABLE] & bit:
            self._pulse_us = at_us

    # ---- time

    @property
    def _period_us(self) -> float:
        """True time between samples, with the oscillator's error."""
        return self._settings.period_us / (1 + self.ppm * 1e-6)

    def _restart(self, now_us: int | None = None) -> None:
        """Take the next sample a period from now."""
        self._anchor_us, self._ticks = float(self._now_us if now_us is None else now_us), 0

    def _due(self, at_us: int) -> int:
        return math.floor((at_us - self._anchor_us) / self._period_us)

    def _begin(self, number: int) -> None:
        """Make this sample the feed's sample 0, once."""
        if self._began is None and self._settings.awake:
            t_us = (
                self._anchor_us + (self._ticks + 1 + number - self.sample_count) * self._period_us
            )
            self._began = number, t_us

    # ---- samples

    def _fill(self, words: list[int], first: int, new: int) -> bool:
        """Put samples into the FIFO, from number `first` on; return whether any byte was lost."""
        width = 2 * len(words)
        keep_oldest = self._settings.fifo_refuses
        fitting = self.fifo.size // width + 1  # one more than fit
        skip = 0 if keep_oldest else max(0, new - fitting)
        ticks = np.arange(skip, min(new, skip + fitting))
        t_us = self._anchor_us + (self._ticks + 1 + ticks) * self._period_us
        data = self._words(first + ticks, t_us)[:, words].astype(">i2").tobytes()
        return self.fifo.put(data, keep_oldest)

    def _latch(self) -> None:
        """Write the last sample to the sensor registers."""
        if self._unlatched is not None:
            number, t_us = self._unlatched
            shown = self._words(np.array([number]), np.array([t_us]))
            self._file[reg.ACCEL_XOUT_H : reg.GYRO_ZOUT_L + 1] = shown.astype(">i2").tobytes()
            self._unlatched = None

    def _words(self, numbers: Int64, t_us: Float64) -> Int64:
        """Return samples as (n, 7) counts: acc x y z, temperature, gyro x y z."""
        began, began_us = self._began or (self.sample_count, math.inf)
        index = np.maximum(numbers - began, 0)
        physical = self._feed(index, np.maximum(t_us - began_us, 0.0) / 1e6)
        physical = physical + self._noise(numbers)
        return self._settings.words(physical, self.temperature_c, self.stuck)
