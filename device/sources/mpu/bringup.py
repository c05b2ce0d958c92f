"""What is written to the chip, in order, and why."""

from dataclasses import dataclass

from device.sources.mpu import registers as reg
from device.sources.mpu.registers import Model

RATES_HZ = (50, 100, 200)
ACC_FULL_SCALE_G = 4
"""At +-2 g a sixth of what a runner's wrist does is cut off (recorded with a sensor that has more
room), at +-4 g 0.4 %. The LSB, 0.12 mg, stays far below the chip's own noise of 2 mg."""
GYRO_FULL_SCALE_DPS = 1000
"""A jogger's wrist exceeds 500 deg/s in 1.5 % of its samples and 1000 in 0.007 % (clapping: 7.5
and 0.2 %). The LSB, 0.03 deg/s, is the chip's own noise at 20 Hz (PS-MPU-6000A, 6.1)."""

_LOW_PASS = {50: 4, 100: 3, 200: 2}
"""DLPF_CFG by rate: 20, 42 and 94 Hz, the widest below half the rate (RM-MPU-6000A, 0x1A)."""
_CLOCK_HZ = 1000
"""What the divider divides while a low-pass is on."""


@dataclass(frozen=True, slots=True)
class Write:
    """One register and what must pass after it."""

    register: int
    value: int
    why: str
    wait_s: float = 0.0


RESET = (
    Write(reg.PWR_MGMT_1, 0x80, "whatever it was doing, from its reset values", 0.1),
    Write(reg.PWR_MGMT_1, 0x01, "awake; clock from the X gyro: 1 %, the RC oscillator 5 %", 0.1),
)
"""100 ms each: registers answer 20 to 100 ms after power (PS-MPU-6000A, 6.4), and the gyro, with
the clock that hangs on it, settles 30 ms after sleep (6.1)."""


def settings(model: Model, rate_hz: int) -> tuple[Write, ...]:
    """Return what makes an awake chip measure at `rate_hz`, one of RATES_HZ."""
    low_pass = _LOW_PASS[rate_hz]
    gyro, acc = (GYRO_FULL_SCALE_DPS // 500) << 3, (ACC_FULL_SCALE_G // 4) << 3
    both = (
        Write(reg.PWR_MGMT_2, 0x00, "all six axes on"),
        Write(reg.CONFIG, low_pass, "nothing above half the rate may fold back"),
        Write(reg.SMPLRT_DIV, _CLOCK_HZ // rate_hz - 1, "the rate"),
        Write(reg.GYRO_CONFIG, gyro, f"+-{GYRO_FULL_SCALE_DPS} deg/s, no self-test"),
        Write(reg.ACCEL_CONFIG, acc, f"+-{ACC_FULL_SCALE_G} g, no self-test"),
        Write(reg.INT_ENABLE, reg.FIFO_OFLOW_INT, "not for the pin: so that its status is set"),
    )
    if not model.acc_filter_apart:
        return both
    return (*both, Write(reg.ACCEL_CONFIG2, low_pass, "the accelerometer's low-pass: the same"))


FIFO_RESTART = (
    Write(reg.FIFO_EN, 0x00, "no sample enters half"),
    Write(reg.USER_CTRL, 0x00, "the MPU-6050 resets a FIFO only while it is off"),
    Write(reg.USER_CTRL, 0x04, "empty"),
    Write(reg.USER_CTRL, 0x40, "on"),
    Write(reg.FIFO_EN, 0x78, "acc and gyro, 12 bytes; the temperature hardly changes"),
)
"""Makes the FIFO begin with the first byte of a sample."""


def must_read(*writes: tuple[Write, ...]) -> dict[int, int]:
    """Return what the registers hold after all of these."""
    return {write.register: write.value for part in writes for write in part}
