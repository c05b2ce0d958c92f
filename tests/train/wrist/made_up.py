"""A synthetic wearer, who swings the arm in walking and holds it still in postures."""

import numpy as np

from firmware_bridge.samples import Float64, Samples
from train.wrist.wear_days import Day, Mark

RATE_HZ = 50.0
GRAVITY = {"walking": (-1.0, 0.0, 0.0), "standing": (-1.0, 0.1, 0.0), "sitting": (0.0, 0.3, 1.0)}


def day_of(
    script: tuple[tuple[str, float], ...], seed: int = 0, rotation: Float64 | None = None
) -> Day:
    """Return a day of (activity, seconds); `rotation` is from the wearer's to the sensor's axes."""
    random = np.random.default_rng(seed)
    parts, marks, now_s = [], [], 0.0
    for activity, seconds in script:
        t_s = now_s + np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        acc = np.tile(GRAVITY[activity], (len(t_s), 1)) + random.normal(0, 0.01, (len(t_s), 3))
        rate = random.normal(0, 0.02, (len(t_s), 3))
        if activity == "walking":
            phase = 2 * np.pi * 0.95 * t_s
            swing = 2.0 * np.sin(phase) / (2 * np.pi * 0.95)
            acc = np.stack([-np.cos(swing), np.sin(swing), np.zeros_like(swing)], axis=1)
            acc += 0.2 * np.sin(2 * phase)[:, None] * np.array([1.0, 0.3, 0.2])
            acc[:, 0] += 0.05 * np.cos(phase)
            acc += random.normal(0, 0.02, acc.shape)
            rate[:, 2] += 2.0 * np.cos(phase)
        turn = np.eye(3) if rotation is None else rotation
        parts.append(np.column_stack([t_s, acc @ turn.T, rate @ turn.T]))
        now_s = t_s[-1] + 1 / RATE_HZ
        marks.append(Mark(float(t_s[0]), float(t_s[-1]), activity, "X"))
    rows = np.concatenate(parts)
    samples = Samples(rows[:, 0], rows[:, 1:4].copy(), rows[:, 4:7].copy())
    return Day(f"made-up-{seed}", f"made-up-{seed}", "made-up", "left", samples, tuple(marks))
