"""Compares the device's causal body acceleration with UCI HAR's body acceleration.

The publisher cut the windows from the recordings in HAPT and removed gravity with another filter.
Each published window is located in its person's recordings by its total acceleration (least mean
square difference over all offsets). If the match is certain, both body accelerations are compared.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from firmware_bridge.samples import Float64
from train.datasets.hapt import Hapt, Recording
from train.datasets.uci_har import UciHar
from train.datasets.waist import LABELS

MATCH_SHARE = 0.3
"""Largest rms difference of total acceleration in a match, relative to the window's deviation."""
MATCH_G = 0.006
"""Largest rms difference in g for windows at rest; the noise filters differ."""
_SETTLED = 4
"""Hops from a recording's start after which the gravity filter has settled."""
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences for one activity or for all; rms over windows, samples and axes, g."""

    windows: int
    """Published windows of the people in the recordings."""
    matched: int
    body_rms_g: float
    """The publisher's body acceleration."""
    body_difference_rms_g: float
    """Our body acceleration minus the publisher's."""
    total_difference_rms_g: float
    """Difference of total acceleration, caused by the noise filters."""
    gravity_difference_rms_g: float
    """Difference of gravity, which is total minus body acceleration."""


def compare(hapt: Hapt, uci: UciHar, spec: SignalSpec) -> dict[str, Comparison]:
    """Return the comparison of each activity by name, and of all windows as `all`."""
    # Without warm-up the signal path skips no window that may match; _continuous drops the first.
    spec = replace(spec, warm_up_s=0.0)
    present = np.isin(uci.person, sorted(hapt.people))
    difference_g = np.full(len(uci.y), np.inf)
    ours = np.zeros((len(uci.y), uci.x.shape[1], 9))
    for recording in hapt.recordings:
        mine = np.flatnonzero(uci.person == recording.person)
        track = _continuous(recording, spec)
        offset, rms_g = _locate(track[:, :3], uci.x[mine, :, :3].astype(np.float64))
        better = rms_g < difference_g[mine]
        for i, at in zip(mine[better], offset[better], strict=True):
            ours[i] = track[at : at + ours.shape[1]]
        difference_g[mine[better]] = rms_g[better]
    total = uci.x[:, :, :3].astype(np.float64)
    deviation_g = np.sqrt(total.var(axis=1).mean(axis=1))
    matched = difference_g < np.maximum(MATCH_SHARE * deviation_g, MATCH_G)
    wanted = {label: uci.y == i for i, label in enumerate(LABELS)}
    wanted["all"] = np.ones(len(uci.y), dtype=bool)
    return {
        name: _compared(uci, ours, present & of, matched & present & of)
        for name, of in wanted.items()
    }


def _compared(
    uci: UciHar, ours: Float64, present: NDArray[np.bool_], matched: NDArray[np.bool_]
) -> Comparison:
    theirs = uci.x[matched].astype(np.float64)
    less = ours[matched] - theirs
    return Comparison(
        windows=int(present.sum()),
        matched=int(matched.sum()),
        body_rms_g=_rms(theirs[:, :, 6:]),
        body_difference_rms_g=_rms(less[:, :, 6:]),
        total_difference_rms_g=_rms(less[:, :, :3]),
        gravity_difference_rms_g=_rms(less[:, :, :3] - less[:, :, 6:]),
    )


def _rms(values: Float64) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")


def _continuous(recording: Recording, spec: SignalSpec) -> Float64:
    """Join the signal path's windows of one recording: (n, 9), from the first settled hop on."""
    windows = windows_of(recording.samples, spec)
    hops = [windows[0].x] + [window.x[spec.window - spec.hop :] for window in windows[1:]]
    return np.concatenate(hops)[_SETTLED * spec.hop :].astype(np.float64)


def _locate(track: Float64, windows: Float64) -> tuple[NDArray[np.intp], Float64]:
    """Locate windows (n, m, 3) in a track (t, 3): return best offsets and rms differences there."""
    length = windows.shape[1]
    views = np.lib.stride_tricks.sliding_window_view(track, length, axis=0)
    flat = windows.transpose(0, 2, 1).reshape(len(windows), -1)
    best = np.full(len(windows), np.inf)
    offset = np.zeros(len(windows), dtype=np.intp)
    for at in range(0, len(views), _AT_ONCE):
        part = views[at : at + _AT_ONCE].reshape(-1, flat.shape[1])
        squares = (part**2).sum(axis=1) - 2 * (flat @ part.T)
        nearest = squares.argmin(axis=1)
        least = squares[np.arange(len(flat)), nearest]
        better = least < best
        offset[better], best[better] = nearest[better] + at, least[better]
    rms = np.sqrt(np.maximum(best + (flat**2).sum(axis=1), 0) / flat.shape[1])
    return offset, rms
