"""Fits the parameters of the synthetic wearer to HAPT's training people.

A mean over people would blur the phases of their strides. So each activity is fitted to one real
segment, the medoid by mean acceleration and by deviation of each channel.
"""

from typing import Any

import numpy as np

from firmware_bridge.samples import Float64
from train.datasets.hapt import RATE_HZ, Hapt, Recording, Segment
from train.datasets.waist import LABELS, TEST_PEOPLE, refuse_test_people

GAITS = ("walking", "walking_upstairs", "walking_downstairs")
HARMONICS = 10
STRIDE_HZ = np.arange(0.6, 1.3, 0.004)
"""Candidate stride rates; a stride is two steps."""
PIECE = 256
"""Samples over which a stride's rate counts as constant: 5.12 s."""


def fit_wearer(hapt: Hapt) -> dict[str, Any]:
    """Return the content of firmware_bridge/simulator/wearer.json."""
    recordings = [r for r in hapt.recordings if r.person not in TEST_PEOPLE]
    refuse_test_people(recording.person for recording in recordings)
    activities = {}
    for activity in LABELS:
        segments = [
            _values(recording, segment)
            for recording in recordings
            for segment in recording.segments
            if segment.activity == activity and segment.end - segment.first >= 2 * PIECE
        ]
        activities[activity] = _rounded(_numbers(_medoid(segments), activity in GAITS))
    return {"from": f"HAPT {hapt.sha256[:16]}, training people", "activities": activities}


def _values(recording: Recording, segment: Segment) -> Float64:
    """Return a segment (n, 6) without its first and last second, in which people start and stop."""
    margin = round(RATE_HZ)
    rows = slice(segment.first + margin, segment.end - margin)
    return np.hstack([recording.samples.acc_g[rows], recording.samples.gyro_rad_s[rows]])


def _medoid(segments: list[Float64]) -> Float64:
    features = np.array([np.hstack([s[:, :3].mean(axis=0), s.std(axis=0)]) for s in segments])
    features /= features.std(axis=0)
    distances = np.linalg.norm(features[:, np.newaxis] - features, axis=2).sum(axis=1)
    return segments[int(distances.argmin())]


def _numbers(values: Float64, is_gait: bool) -> dict[str, Any]:
    mean, rest = values.mean(axis=0), values - values.mean(axis=0)
    numbers: dict[str, Any] = {"mean_g": mean[:3], "gyro_rad_s": np.hstack([np.zeros(3), mean[3:]])}
    if is_gait:
        numbers["gait"], rest = _gait(rest)
    numbers["noise"] = rest.std(axis=0)
    lag = np.sum(rest[1:] * rest[:-1], axis=0) / np.sum(rest**2, axis=0)
    numbers["noise_s"] = -1 / (RATE_HZ * np.log(np.clip(lag, 0.05, 0.999)))
    return numbers


def _gait(values: Float64) -> tuple[dict[str, Any], Float64]:
    """Fit harmonics to the piece that they explain best; return them and the residual."""
    fits = []
    for at in range(0, len(values) - PIECE + 1, PIECE // 2):
        piece = values[at : at + PIECE]
        # Acceleration and angular velocity weigh alike.
        scale = piece.std(axis=0)
        left = [np.sum(((piece - _fit(piece, hz)[1]) / scale) ** 2) for hz in STRIDE_HZ]
        best = int(np.argmin(left))
        fits.append((left[best], STRIDE_HZ[best], piece))
    _, stride_hz, piece = min(fits, key=lambda fit: fit[0])
    weights, explained = _fit(piece, stride_hz)
    gait = {
        "stride_hz": stride_hz,
        "cosine": weights[:HARMONICS],
        "sine": weights[HARMONICS:],
    }
    return gait, piece - explained


def _fit(piece: Float64, stride_hz: float) -> tuple[Float64, Float64]:
    t_s = np.arange(len(piece)) / RATE_HZ
    phase = 2 * np.pi * stride_hz * np.outer(t_s, np.arange(1, HARMONICS + 1))
    basis = np.hstack([np.cos(phase), np.sin(phase)])
    weights = np.linalg.lstsq(basis, piece, rcond=None)[0]
    return weights, basis @ weights


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return np.round(value, 5).tolist()
