"""Registers of the MPU-6050 family, and the differences between its three members.

Sources: RM-MPU-6000A rev. 4.2 (MPU-6050), RM-MPU-6500A rev. 2.1, RM-MPU-9250A rev. 1.6.
"""

from dataclasses import dataclass

SMPLRT_DIV = 0x19
CONFIG = 0x1A
GYRO_CONFIG = 0x1B
ACCEL_CONFIG = 0x1C
FIFO_EN = 0x23
INT_PIN_CFG = 0x37
INT_ENABLE = 0x38
INT_STATUS = 0x3A
ACCEL_XOUT_H = 0x3B
GYRO_ZOUT_L = 0x48
SIGNAL_PATH_RESET = 0x68
USER_CTRL = 0x6A
PWR_MGMT_1 = 0x6B
PWR_MGMT_2 = 0x6C
FIFO_COUNTH = 0x72
FIFO_COUNTL = 0x73
FIFO_R_W = 0x74
WHO_AM_I = 0x75
COUNT = 0x80

# INT_PIN_CFG
INT_LEVEL_LOW = 0x80
LATCH_INT_EN = 0x20
INT_RD_CLEAR = 0x10
# INT_ENABLE and INT_STATUS
FIFO_OFLOW = 0x10
DATA_RDY = 0x01
# CONFIG
FIFO_MODE = 0x40
"""MPU-6500 and MPU-9250 only: a full FIFO refuses new bytes instead of losing the oldest."""
# USER_CTRL
USER_FIFO_EN = 0x40
FIFO_RESET = 0x04
SIG_COND_RESET = 0x01
USER_RESETS = 0x0F
# PWR_MGMT_1
DEVICE_RESET = 0x80
SLEEP = 0x40
CLKSEL = 0x07
CLOCK_STOPPED = 0x07

FIFO_WORDS = (0x08, 0x08, 0x08, 0x80, 0x40, 0x20, 0x10)
"""The bit of FIFO_EN that enables each word: acc x y z, temperature, gyro x y z."""

READ_ONLY = frozenset({INT_STATUS, *range(ACCEL_XOUT_H, 0x61), FIFO_COUNTH, FIFO_COUNTL, WHO_AM_I})


@dataclass(frozen=True, slots=True)
class Model:
    """The differences between members of the family."""

    name: str
    fifo_bytes: int
    power: int
    """PWR_MGMT_1 after a reset: the MPU-6050 sleeps, the others are awake."""
    counts_per_c: float
    zero_c: float
    """Temperature at count 0."""
    later: bool
    """MPU-6500 core: has FIFO_MODE and FCHOICE_B; divides the rate only with the low-pass on."""


MODELS = {
    0x68: Model("MPU-6050", 1024, SLEEP, 340.0, 36.53, False),
    0x70: Model("MPU-6500", 512, 0x01, 333.87, 21.0, True),
    0x71: Model("MPU-9250", 512, 0x01, 333.87, 21.0, True),
}
"""By WHO_AM_I."""
