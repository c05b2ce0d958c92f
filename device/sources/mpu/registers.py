"""The registers in use, and the chips that share them.

MPU-6000 and MPU-6050 Register Map (RM-MPU-6000A, 4.2); MPU-6500 and MPU-9250 Register Map
(RM-MPU-6500A, RM-MPU-9250A) where they differ.
"""

from dataclasses import dataclass

ADDRESSES = (0x68, 0x69)
"""I2C addresses, for pin AD0 low and high."""

SMPLRT_DIV = 0x19
CONFIG = 0x1A
GYRO_CONFIG = 0x1B
ACCEL_CONFIG = 0x1C
ACCEL_CONFIG2 = 0x1D
FIFO_EN = 0x23
INT_ENABLE = 0x38
INT_STATUS = 0x3A
ACCEL_XOUT_H = 0x3B
TEMP_OUT_H = 0x41
USER_CTRL = 0x6A
PWR_MGMT_1 = 0x6B
PWR_MGMT_2 = 0x6C
FIFO_COUNTH = 0x72
FIFO_R_W = 0x74
WHO_AM_I = 0x75

FIFO_OFLOW_INT = 0x10
DATA_RDY_INT = 0x01
"""Bits of INT_STATUS. A read clears them."""


@dataclass(frozen=True, slots=True)
class Model:
    """Differences between the chips."""

    name: str
    fifo_bytes: int
    acc_filter_apart: bool
    """The accelerometer's low-pass has a separate register, ACCEL_CONFIG2."""
    counts_per_c: float
    zero_c: float
    """Temperature at count 0."""

    def temperature_c(self, count: int) -> float:
        """Return the temperature of the die, in degrees Celsius, for a count of register 0x41."""
        return count / self.counts_per_c + self.zero_c


_6050 = Model("MPU-6050", 1024, False, 340.0, 36.53)
_6500 = Model("MPU-6500", 512, True, 333.87, 21.0)
_9250 = Model("MPU-9250", 512, True, 333.87, 21.0)
MODELS = {0x68: _6050, 0x70: _6500, 0x71: _9250}
"""Models by WHO_AM_I."""

KIN = {0x72: _6050, 0x73: _9250, 0x74: _6500, 0x98: _6500, 0xAF: _6500}
"""Chips on boards sold as MPU-6050 or MPU-9250: copies, MPU-9255, MPU-6515, ICM-20689, ICM-20608.
They have the same registers and no smaller FIFO; their temperature is wrong by some degrees."""
