"""The common form of wrist data sets: pieces of one activity on one person's wrist."""

from dataclasses import dataclass

from firmware_bridge.samples import Samples

STANDARD_GRAVITY = 9.80665
"""m/s² of 1 g."""
LABELS = ("walking", "running", "stairs", "sitting", "standing")
LYING = "lying"
"""Only six people of one data set lie, and their forearms lie like a sitter's. So lying is not a
label: it is trained as sitting and left out of all figures but its own."""
UNKNOWN = "unknown"
"""An activity that is none of LABELS and must not be recognised as one."""
ACTIVITIES = (*LABELS, LYING, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a recording without gaps, of one activity; axes and signs are the sensor's."""

    person: str
    """Unique over all data sets: the set's name, then the publisher's."""
    dataset: str
    wrist: str
    """`left`, `right`, or '' where the publisher does not state it."""
    activity: str
    """One of LABELS, LYING, UNKNOWN, or '': ambiguous, used neither to train nor to test."""
    detail: str
    """The publisher's name of the activity."""
    samples: Samples
    """With times on the recording's clock."""
    recording: str
    """Unique over all data sets; pieces of one recording are consecutive on one clock."""
