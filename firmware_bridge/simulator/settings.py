"""The chip's settings, decoded from its registers."""

import numpy as np

from firmware_bridge.samples import Float64
from firmware_bridge.simulator import registers as reg
from firmware_bridge.simulator.feed import Int64, counts


class Settings:
    """The register file, `file`, and the settings in it."""

    def __init__(self, who_am_i: int) -> None:
        """Set every register to its reset value."""
        self.model = reg.MODELS[who_am_i]
        self.file = bytearray(reg.COUNT)
        self.file[reg.PWR_MGMT_1] = self.model.power
        self.file[reg.WHO_AM_I] = who_am_i

    @property
    def resetting(self) -> bool:
        """Whether a DEVICE_RESET is running."""
        return bool(self.file[reg.PWR_MGMT_1] & reg.DEVICE_RESET)

    @property
    def awake(self) -> bool:
        """Whether the chip takes samples."""
        power = self.file[reg.PWR_MGMT_1]
        stopped = power & reg.CLKSEL == reg.CLOCK_STOPPED
        return not power & (reg.SLEEP | reg.DEVICE_RESET) and not stopped

    @property
    def period_us(self) -> float:
        """Nominal time between samples."""
        low_pass = self.file[reg.CONFIG] & 7 not in {0, 7}
        rate_hz = 1000.0 if low_pass else 8000.0
        divider = self.file[reg.SMPLRT_DIV]
        if self.model.later:
            if self.file[reg.GYRO_CONFIG] & 3:
                rate_hz, low_pass = 32000.0, False
            divider = divider if low_pass else 0
        return 1e6 * (1 + divider) / rate_hz

    @property
    def fifo_words(self) -> list[int]:
        """Indices of the words (acc x y z, temperature, gyro x y z) that go into the FIFO."""
        enabled = self.file[reg.FIFO_EN]
        return [word for word, bit in enumerate(reg.FIFO_WORDS) if enabled & bit]

    @property
    def fifo_on(self) -> bool:
        """Whether the FIFO is enabled."""
        return bool(self.file[reg.USER_CTRL] & reg.USER_FIFO_EN)

    @property
    def fifo_refuses(self) -> bool:
        """Whether a full FIFO refuses new bytes."""
        return self.model.later and bool(self.file[reg.CONFIG] & reg.FIFO_MODE)

    @property
    def sampling_requested(self) -> bool:
        """Whether the driver reads samples: by the FIFO or by the interrupt."""
        return bool((self.fifo_on and self.fifo_words) or self.file[reg.INT_ENABLE] & reg.DATA_RDY)

    def words(self, physical: Float64, temperature_c: float, stuck: dict[int, int]) -> Int64:
        """Digitise (n, 6) in g and degrees/s into (n, 7) counts, the temperature in column 3."""
        acc_g = 2 << (self.file[reg.ACCEL_CONFIG] >> 3 & 3)
        gyro_dps = 250 << (self.file[reg.GYRO_CONFIG] >> 3 & 3)
        six = counts(physical, acc_g, gyro_dps)
        for channel in range(6):
            if self.file[reg.PWR_MGMT_2] & 0x20 >> channel:  # standby
                six[:, channel] = 0
        for channel, count in stuck.items():
            six[:, channel] = count
        temperature = round((temperature_c - self.model.zero_c) * self.model.counts_per_c)
        temperature = min(max(temperature, -0x8000), 0x7FFF)
        return np.insert(six.astype(np.int64), 3, temperature, axis=1)
