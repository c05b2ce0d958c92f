"""Labelled windows of the waist data sets, cut by the publisher or by our signal path."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64
from train.datasets.columns import Columns
from train.datasets.hapt import Hapt, Recording
from train.datasets.uci_har import UciHar
from train.datasets.waist import LABELS


@dataclass(frozen=True, slots=True)
class LabelledWindows(Columns):
    """n windows with their activities and people."""

    x: NDArray[np.float32]
    """(n, 128, 9): total acc xyz [g], gyro xyz [rad/s], body acc xyz [g]."""
    y: NDArray[np.int64]
    """(n,) index into LABELS."""
    person: NDArray[np.int64]
    """(n,) the publisher's number of the person."""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def people(self) -> frozenset[int]:
        """The people of these windows."""
        return frozenset(int(person) for person in np.unique(self.person))

    def of(self, people: Iterable[int]) -> Self:
        """Return the windows of these people."""
        return self.where(np.isin(self.person, sorted(people)))


def published(har: UciHar) -> LabelledWindows:
    """Return the windows that the publisher cut and filtered."""
    return LabelledWindows(har.x, har.y, har.person)


def by_our_path(hapt: Hapt, spec: SignalSpec) -> LabelledWindows:
    """Make windows from raw recordings by the device's signal path.

    Windows that are not wholly within a labelled segment of one of LABELS are dropped. A smaller
    hop in the spec gives more windows to train on; test windows need the device's hop.
    """
    return LabelledWindows.joined([_of_recording(one, spec) for one in hapt.recordings])


def activities(
    recording: Recording, starts_s: Float64, ends_s: Float64, rate_hz: float
) -> NDArray[np.int64]:
    """Return the index into LABELS of each window [start, end); -1 if not wholly in one segment."""
    t_s = recording.samples.t_s
    activity = np.full(len(starts_s), -1)
    half_s = 0.5 / rate_hz
    for segment in recording.segments:
        if segment.activity in LABELS:
            # The end of a window is the time of the next sample.
            first_s, last_s = t_s[segment.first], t_s[segment.end - 1]
            inside = (starts_s > first_s - half_s) & (ends_s - 1 / rate_hz < last_s + half_s)
            activity[inside] = LABELS.index(segment.activity)
    return activity


def _of_recording(recording: Recording, spec: SignalSpec) -> LabelledWindows:
    windows = windows_of(recording.samples, spec)
    starts_s = np.array([window.start_s for window in windows])
    ends_s = np.array([window.end_s for window in windows])
    activity = activities(recording, starts_s, ends_s, spec.rate_hz)
    labelled = np.flatnonzero(activity >= 0)
    x = np.array([windows[i].x for i in labelled], np.float32).reshape(-1, spec.window, 9)
    return LabelledWindows(x, activity[labelled], np.full(len(labelled), recording.person))
