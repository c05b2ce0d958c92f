"""The wrist model's signal path and mounting estimate."""

from device.mounting.spec import MountingSpec
from device.signal.spec import SignalSpec

POSTURES = ("sitting", "standing")
SPEC = SignalSpec(noise_cutoff_hz=8.0)
"""Half of the data sets have 20 to 25 samples a second. With this cutoff the network cannot tell
the faster sensors from them."""
HOP_S = SPEC.hop / SPEC.rate_hz
ORIENTATION = MountingSpec(POSTURES, typical_rate_rad_s=0.75)
"""Half of the angular rate of a typical wearer's arm in walking, so that one int8 range serves g
and rad/s: running then turns at about ±2.5."""
