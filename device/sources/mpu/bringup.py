"""The registers that set up the chip: values, order and reasons."""

from dataclasses import dataclass

from device.sources.mpu import registers as reg
from device.sources.mpu.registers import Model

RATES_HZ = (50, 100, 200)
ACC_FULL_SCALE_G = 4
"""At +-2 g a sixth of a runner's wrist samples clip, at +-4 g 0.4 % (recorded with a wider full
scale). The LSB, 0.12 mg, is far below the chip's own noise of 2 mg."""
GYRO_FULL_SCALE_DPS = 1000
"""A jogger's wrist exceeds 500 deg/s in 1.5 % of its samples and 1000 in 0.007 % (clapping: 7.5
and 0.2 %). The LSB, 0.03 deg/s, equals the chip's own noise at 20 Hz (PS-MPU-6000A, 6.1)."""

_LOW_PASS = {50: 4, 100: 3, 200: 2}
"""DLPF_CFG by rate: 20, 42 and 94 Hz, the widest below half of the rate (RM-MPU-6000A, 0x1A)."""
_CLOCK_HZ = 1000
"""Clock of the sample rate divider while a low-pass is on."""


@dataclass(frozen=True, slots=True)
class Write:
    """One register's value, and the time to wait after the write."""

    register: int
    value: int
    wait_s: float = 0.0


RESET = (
    Write(reg.PWR_MGMT_1, 0x80, 0.1),  # reset: every register has its reset value
    Write(reg.PWR_MGMT_1, 0x01, 0.1),  # awake; clock from the X gyro: 1 %, from the RC: 5 %
)
"""100 ms each: registers answer 20 to 100 ms after power-on (PS-MPU-6000A, 6.4). The gyro and the
clock that it drives settle 30 ms after sleep (6.1)."""


def settings(model: Model, rate_hz: int) -> tuple[Write, ...]:
    """Return the writes that make an awake chip measure at `rate_hz`, one of RATES_HZ."""
    low_pass = _LOW_PASS[rate_hz]
    gyro, acc = (GYRO_FULL_SCALE_DPS // 500) << 3, (ACC_FULL_SCALE_G // 4) << 3
    common = (
        Write(reg.PWR_MGMT_2, 0x00),  # all six axes on
        Write(reg.CONFIG, low_pass),  # low-pass below half of the rate, against aliasing
        Write(reg.SMPLRT_DIV, _CLOCK_HZ // rate_hz - 1),  # sample rate
        Write(reg.GYRO_CONFIG, gyro),  # full scale, no self-test
        Write(reg.ACCEL_CONFIG, acc),  # full scale, no self-test
        Write(reg.INT_ENABLE, reg.FIFO_OFLOW_INT),  # sets the overflow bit in INT_STATUS
    )
    if not model.acc_filter_apart:
        return common
    return (*common, Write(reg.ACCEL_CONFIG2, low_pass))  # the same for the accelerometer


FIFO_RESTART = (
    Write(reg.FIFO_EN, 0x00),  # no sample enters in part
    Write(reg.USER_CTRL, 0x00),  # FIFO off: the MPU-6050 resets it only then
    Write(reg.USER_CTRL, 0x04),  # FIFO empty
    Write(reg.USER_CTRL, 0x40),  # FIFO on
    Write(reg.FIFO_EN, 0x78),  # acc and gyro, 12 bytes; without the temperature
)
"""Makes the FIFO begin with the first byte of a sample."""


def expected(*writes: tuple[Write, ...]) -> dict[int, int]:
    """Return the values of the registers after these writes."""
    return {write.register: write.value for part in writes for write in part}
