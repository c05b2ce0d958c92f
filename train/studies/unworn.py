"""Simulates a sensor that nobody wears: noise, a cooling chip, and shocks to the table.

The data sets have no recording of an MPU-6050 on a table. Noise and drift are from the data sheet
(PS-MPU-6000A 6.1 and 6.2), in counts of the simulated chip; knocks and footsteps are assumptions.
"""

import numpy as np

from firmware_bridge.samples import Float64, Samples
from firmware_bridge.simulator.feed import counts
from firmware_bridge.simulator.noise import Noise

RATE_HZ = 50.0
ACC_G, GYRO_DPS = 400e-6 * 31.4**0.5, 0.005 * 31.4**0.5
"""Noise density times the root of the bandwidth of the first-order low-pass, which is 20 Hz at a
sample rate of 50 Hz. The gyroscope of an MPU-6500 has twice this noise."""
FULL_SCALE = 4, 1000
"""g and deg/s, the settings of the firmware and the I2C source."""
DECAY_S = 0.1
"""Time constant of the oscillation after a knock or a footstep."""
COOLS_C, COOLING_S = 12.0, 1800.0
"""From wrist to room temperature: 0.4 degrees in the first minute (Vert et al. 2022)."""
DRIFT_G_PER_C, DRIFT_DPS_PER_C = 60e-3 / 70, 20 / 125


def unworn(
    seconds: float,
    *,
    noise: float = 1.0,
    knock_every_s: float | None = None,
    steps: bool = False,
    seed: int = 0,
) -> Samples:
    """Return samples of a sensor on a table, with `noise` times the noise of the data sheet.

    `knock_every_s` is the mean time between knocks at the table. With `steps`, somebody walks by
    on a soft floor all the time.
    """
    random = np.random.default_rng(seed)
    numbers = np.arange(round(seconds * RATE_HZ))
    t_s = numbers / RATE_HZ
    table = np.tile([0.02, -0.03, 1.0, 2.0, -3.0, 1.0], (len(numbers), 1))
    table += Noise(noise * ACC_G, noise * GYRO_DPS, seed)(numbers)
    cooled_c = COOLS_C * (1 - np.exp(-t_s / COOLING_S))[:, None]
    table += cooled_c * np.repeat([DRIFT_G_PER_C, DRIFT_DPS_PER_C], 3)
    if knock_every_s is not None:
        at_s = np.cumsum(random.exponential(knock_every_s, 2 + round(2 * seconds / knock_every_s)))
        table += _rung(t_s, at_s, random, (0.3, 20.0), hz=12.0)
    if steps:
        at_s = np.arange(0.0, seconds, 0.55)
        table += _rung(t_s, at_s, random, (0.004, 0.05), hz=10.0)
    acc_scale, gyro_scale = FULL_SCALE
    rows = counts(table, acc_scale, gyro_scale) / 32768
    return Samples(t_s, rows[:, :3] * acc_scale, np.radians(rows[:, 3:] * gyro_scale))


def _rung(
    t_s: Float64, at_s: Float64, random: np.random.Generator, size: tuple[float, float], hz: float
) -> Float64:
    """Return (n, 6): decaying oscillations that start at at_s, each in a random direction.

    `size` is the largest amplitude in g and deg/s.
    """
    rung = np.zeros((len(t_s), 6))
    for begin_s in at_s[at_s < t_s[-1]]:
        first, end = np.searchsorted(t_s, [begin_s, begin_s + 10 * DECAY_S])
        since_s = t_s[first:end] - begin_s
        wave = np.exp(-since_s / DECAY_S) * np.sin(2 * np.pi * hz * since_s)
        rung[first:end] += np.outer(wave, np.repeat(size, 3) * random.uniform(-1, 1, 6))
    return rung
