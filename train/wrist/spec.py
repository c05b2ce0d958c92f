"""Signal path and mounting estimate of the wrist model."""

from device.mounting.spec import MountingSpec
from device.signal.spec import SignalSpec

POSTURES = ("sitting", "standing")
SPEC = SignalSpec(noise_cutoff_hz=8.0)
"""Half of the data sets have 20 to 25 samples a second. This cutoff makes faster sensors look the
same to the network."""
HOP_S = SPEC.hop / SPEC.rate_hz
ORIENTATION = MountingSpec(POSTURES, typical_rate_rad_s=0.75)
"""The typical rate is half of a typical wearer's angular rate in walking. So one int8 range is
enough for g and rad/s: in running the scaled rate is about ±2.5."""
