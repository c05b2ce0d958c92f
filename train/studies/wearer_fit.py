"""Fits the parameters of the synthetic wearers: at the waist to HAPT, at the wrist to daily-sports.

An average over people would blur the phases of their strides. So each activity at the waist comes
from one real segment, and all activities at the wrist from one real arm: the one closest to all
others in mean acceleration and in the deviation of each channel.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from firmware_bridge.samples import Float64
from train.datasets.hapt import RATE_HZ, Hapt, Recording, Segment
from train.datasets.piece import LABELS as LABELS_OF_WRIST
from train.datasets.piece import Piece
from train.datasets.waist import LABELS, TEST_PEOPLE, refuse_test_people

GAITS = ("walking", "walking_upstairs", "walking_downstairs")
HARMONICS = 10
STRIDE_HZ = np.arange(0.6, 1.3, 0.004)
"""Stride rates to try at the waist; a stride is two steps."""
ARM_STRIDE_HZ = np.arange(0.6, 1.7, 0.004)
"""Stride rates to try at the wrist, running included."""
PIECE_S = 5.12
"""Time in which the stride rate is assumed to be constant."""
ARM_RATE_HZ = 25.0
ARM_GAITS = ("walking", "stairs", "running")
_ARM_DETAIL = {"walking": "a09", "stairs": "a05", "running": "a12"}
"""The publisher's activity for a label that has several: walking on a floor, stairs up."""


def fit_wearer(hapt: Hapt) -> dict[str, Any]:
    """Return the content of firmware_bridge/simulator/wearer.json, for a sensor at the waist."""
    recordings = [r for r in hapt.recordings if r.person not in TEST_PEOPLE]
    refuse_test_people(recording.person for recording in recordings)
    activities = {}
    for activity in LABELS:
        segments = [
            _values(recording, segment)
            for recording in recordings
            for segment in recording.segments
            if segment.activity == activity
            and segment.end - segment.first >= 2 * round(PIECE_S * RATE_HZ)
        ]
        values = segments[int(_distances(segments).argmin())]
        activities[activity] = _rounded(
            _numbers(values, RATE_HZ, STRIDE_HZ if activity in GAITS else None)
        )
    return {"from": f"HAPT {hapt.sha256[:16]}, training people", "activities": activities}


def fit_arm(pieces: Sequence[Piece], sha256: str) -> dict[str, Any]:
    """Return the content of firmware_bridge/simulator/wrist_wearer.json, from daily-sports."""
    arms: dict[tuple[str, str], dict[str, Float64]] = {}
    for piece in pieces:
        if piece.activity in LABELS_OF_WRIST and piece.detail == _ARM_DETAIL.get(
            piece.activity, piece.detail
        ):
            both = np.hstack([piece.samples.acc_g, piece.samples.gyro_rad_s])
            arms.setdefault((piece.person, piece.wrist), {})[piece.activity] = both
    each = list(arms.values())
    by_activity = [_distances([arm[label] for arm in each]) for label in LABELS_OF_WRIST]
    arm = each[int(np.sum(by_activity, axis=0).argmin())]
    activities = {
        label: _rounded(
            _numbers(arm[label], ARM_RATE_HZ, ARM_STRIDE_HZ if label in ARM_GAITS else None)
        )
        for label in LABELS_OF_WRIST
    }
    return {"from": f"daily-sports {sha256[:16]}, one arm", "activities": activities}


def _values(recording: Recording, segment: Segment) -> Float64:
    """Return a segment (n, 6) without its first and last second, when people start and stop."""
    margin = round(RATE_HZ)
    rows = slice(segment.first + margin, segment.end - margin)
    return np.hstack([recording.samples.acc_g[rows], recording.samples.gyro_rad_s[rows]])


def _distances(segments: list[Float64]) -> Float64:
    """Return the sum of each segment's distances from all other segments."""
    features = np.array([np.hstack([s[:, :3].mean(axis=0), s.std(axis=0)]) for s in segments])
    features /= features.std(axis=0)
    distances: Float64 = np.linalg.norm(features[:, np.newaxis] - features, axis=2).sum(axis=1)
    return distances


def _numbers(values: Float64, rate_hz: float, strides_hz: Float64 | None) -> dict[str, Any]:
    mean, rest = values.mean(axis=0), values - values.mean(axis=0)
    numbers: dict[str, Any] = {"mean_g": mean[:3], "gyro_rad_s": np.hstack([np.zeros(3), mean[3:]])}
    if strides_hz is not None:
        numbers["gait"], rest = _gait(rest, rate_hz, strides_hz)
    numbers["noise"] = rest.std(axis=0)
    lag = np.sum(rest[1:] * rest[:-1], axis=0) / np.sum(rest**2, axis=0)
    numbers["noise_s"] = -1 / (rate_hz * np.log(np.clip(lag, 0.05, 0.999)))
    return numbers


def _gait(values: Float64, rate_hz: float, strides_hz: Float64) -> tuple[dict[str, Any], Float64]:
    """Fit harmonics to each piece; return those of the best fit, and its residual."""
    fits, size = [], round(PIECE_S * rate_hz)
    for at in range(0, len(values) - size + 1, size // 2):
        piece = values[at : at + size]
        # Acceleration and angular rate have the same weight.
        scale = piece.std(axis=0)
        left = [np.sum(((piece - _fit(piece, rate_hz, hz)[1]) / scale) ** 2) for hz in strides_hz]
        best = int(np.argmin(left))
        fits.append((left[best], strides_hz[best], piece))
    _, stride_hz, piece = min(fits, key=lambda fit: fit[0])
    weights, explained = _fit(piece, rate_hz, stride_hz)
    gait = {"stride_hz": stride_hz, "cosine": weights[:HARMONICS], "sine": weights[HARMONICS:]}
    return gait, piece - explained


def _fit(piece: Float64, rate_hz: float, stride_hz: float) -> tuple[Float64, Float64]:
    t_s = np.arange(len(piece)) / rate_hz
    phase = 2 * np.pi * stride_hz * np.outer(t_s, np.arange(1, HARMONICS + 1))
    basis = np.hstack([np.cos(phase), np.sin(phase)])
    weights = np.linalg.lstsq(basis, piece, rcond=None)[0]
    return weights, basis @ weights


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return np.round(value, 5).tolist()
