"""What every wrist data set comes down to: pieces of one activity on one person's wrist."""

from dataclasses import dataclass

from firmware_bridge.samples import Samples

STANDARD_GRAVITY = 9.80665
"""m/s2 in a g."""
LABELS = ("walking", "running", "stairs", "sitting", "standing")
LYING = "lying"
"""Of six people in one data set, and a forearm lies no otherwise than a sitter's: no label of its
own, taught as sitting, and left out of every figure but what is said of it."""
UNKNOWN = "unknown"
"""An activity that is none of LABELS, and must not be taken for one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An unbroken part of a recording, of one activity; axes and signs are the sensor's own."""

    person: str
    """Unique over all data sets: the set's name, then the publisher's own."""
    dataset: str
    wrist: str
    """`left`, `right`, or '' where the publisher does not say."""
    activity: str
    """One of LABELS, LYING, UNKNOWN, or '' where it is ambiguous: neither to train nor test on."""
    detail: str
    """The publisher's own name for the activity."""
    samples: Samples
    """On the recording's own clock."""
    recording: str
    """Unique over all data sets; pieces that share it follow each other on one clock."""
