"""The constant errors of a sensor, and their removal from samples."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import numpy as np

from device.files.spec_fields import numbers
from device.sources import DelegatingSource, Source
from firmware_bridge.samples import Float64, Samples

Triple = tuple[float, float, float]

MAX_OFFSET_G: Final = 0.3
SCALES: Final = (0.8, 1.25)
MAX_BIAS_RAD_S: Final = float(np.radians(20.0))
"""The MPU-6050's data sheet allows 0.08 g, 3 % and 20 deg/s; copies of the chip are worse."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Errors in reading = offset + scale * true value; raises InputError if one is too large."""

    acc_offset_g: Triple = (0.0, 0.0, 0.0)
    """The reading of each axis without acceleration."""
    acc_scale: Triple = (1.0, 1.0, 1.0)
    gyro_bias_rad_s: Triple = (0.0, 0.0, 0.0)
    """The reading of each axis at rest."""

    def __post_init__(self) -> None:
        numbers("acc_offset_g", self.acc_offset_g, 3, -MAX_OFFSET_G, MAX_OFFSET_G)
        numbers("acc_scale", self.acc_scale, 3, *SCALES)
        numbers("gyro_bias_rad_s", self.gyro_bias_rad_s, 3, -MAX_BIAS_RAD_S, MAX_BIAS_RAD_S)

    def acc(self, reading_g: Float64) -> Float64:
        """Return the true acceleration (..., 3) of a reading (..., 3), g."""
        truth: Float64 = (reading_g - np.array(self.acc_offset_g)) / np.array(self.acc_scale)
        return truth

    def apply(self, samples: Samples) -> Samples:
        """Return the samples without the errors; independent of the cut into blocks."""
        gyro = samples.gyro_rad_s - np.array(self.gyro_bias_rad_s)
        return Samples(samples.t_s, self.acc(samples.acc_g), gyro, samples.lost)


class Calibrated(DelegatingSource):
    """A source that removes the sensor's constant errors from its samples."""

    def __init__(self, source: Source, calibration: Calibration) -> None:
        super().__init__(source)
        self._calibration = calibration

    def blocks(self) -> Generator[Samples]:
        """Yield the source's blocks without the errors."""
        with closing(self._source.blocks()) as blocks:
            yield from map(self._calibration.apply, blocks)
