"""The common form of wrist data sets: pieces of one activity on one person's wrist."""

from dataclasses import dataclass

from firmware_bridge.samples import Samples

STANDARD_GRAVITY = 9.80665
"""m/s² of 1 g."""
LABELS = ("walking", "running", "stairs", "sitting", "standing")
LYING = "lying"
"""Only six people of one data set lie, and their forearms point as in sitting. So lying is not a
label: its windows are trained as sitting, and only the table of lying counts them."""
UNKNOWN = "unknown"
"""An activity outside LABELS, which the model must not recognise as one of them."""
ACTIVITIES = (*LABELS, LYING, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a recording without gaps, of one activity; axes and signs are the sensor's."""

    person: str
    """Unique over all data sets: the data set's name, then the publisher's name of the person."""
    dataset: str
    activity: str
    """One of LABELS, LYING, UNKNOWN, or '': ambiguous, used neither to train nor to test."""
    detail: str
    """The publisher's name of the activity."""
    samples: Samples
    """Their times are on the recording's clock."""
    recording: str
    """Unique over all data sets; pieces of one recording are consecutive on one clock."""
    wrist: str = ""
    """`left`, `right`, or '' if the publisher does not state it."""
