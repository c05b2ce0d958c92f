"""Tests rotated sensors: rotates whole days and makes decisions on them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from device.decision.judge import DecisionSpec
from firmware_bridge.samples import Samples
from train.fitting.augment import rotations
from train.fitting.fit import probabilities
from train.wrist.cross_validation import LeftOut
from train.wrist.decisions import Decisions, decide, figures
from train.wrist.spec import ORIENTATION, POSTURES, SPEC
from train.wrist.wear_days import Day
from train.wrist.windows import windows

ANGLES_DEG = (0, 45, 90, 135, 180)
AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def turns(days: Sequence[Day], job: LeftOut, decision: DecisionSpec) -> dict[str, Any]:
    """Rotate the sensors of left-out people and decide with the model of that fit.

    Return the accuracy without rotation, with a random rotation of each sensor, and by axis and
    angle: for all wearers, and for each wrist that a publisher states.
    """
    left_out = [without(day, "unknown") for day in days if day.person in job.people]
    model = job.path.with_suffix(".keras")

    def accuracy(wearers: Sequence[Day], matrices: Any) -> float:
        return figures(decide_turned(wearers, matrices, model, decision)).accuracy

    wrists = {"all": left_out}
    for wrist in sorted({day.wrist for day in left_out} - {""}):
        wrists[wrist] = [day for day in left_out if day.wrist == wrist]
    return {
        "wearers": [day.wearer for day in left_out],
        "as it comes": accuracy(left_out, [np.eye(3)] * len(left_out)),
        "random": [accuracy(left_out, random_turns(len(left_out), seed)) for seed in range(3)],
        "by angle": {
            wrist: {
                axis: [accuracy(wearers, [rotation(axis, a)] * len(wearers)) for a in ANGLES_DEG]
                for axis in AXES
            }
            for wrist, wearers in wrists.items()
        },
        "angles_deg": list(ANGLES_DEG),
    }


def rotation(axis: str, angle_deg: float) -> NDArray[np.float64]:
    """Return the matrix (3, 3) that rotates about an axis in AXES."""
    matrix: NDArray[np.float64] = rotations(np.array([AXES[axis]]), np.deg2rad([angle_deg]))[0]
    return matrix


def turned(day: Day, matrix: NDArray[np.float64]) -> Day:
    """Return the day of a sensor that is rotated by a matrix (3, 3)."""
    samples = day.samples
    return replace(
        day, samples=Samples(samples.t_s, samples.acc_g @ matrix.T, samples.gyro_rad_s @ matrix.T)
    )


def without(day: Day, activity: str) -> Day:
    """Return the day without one activity."""
    keep = np.ones(len(day.samples), bool)
    for mark in day.marks:
        if mark.activity == activity:
            at = day.samples.t_s
            keep &= (at < mark.start_s) | (at > mark.end_s)
    marks = tuple(mark for mark in day.marks if mark.activity != activity)
    samples = day.samples
    others = Samples(samples.t_s[keep], samples.acc_g[keep], samples.gyro_rad_s[keep])
    return replace(day, samples=others, marks=marks)


def decide_turned(
    days: Sequence[Day], matrices: Sequence[NDArray[np.float64]], model: Path, spec: DecisionSpec
) -> Decisions:
    """Rotate each day by its matrix and decide with a saved model that left out these people."""
    network = keras.saving.load_model(model, compile=False)
    parts = []
    for day, matrix in zip(days, matrices, strict=True):
        of_day = windows([turned(day, matrix)], SPEC, ORIENTATION)
        if not len(of_day):
            continue  # the recording is too short for a window
        parts.append(decide(of_day, probabilities(network, of_day.x), spec, POSTURES))
    return Decisions.joined(parts)


def random_turns(count: int, seed: int) -> NDArray[np.float64]:
    """Draw (count, 3, 3) rotations from the uniform distribution."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(count, 3, 3)))
    q *= np.sign(np.einsum("nii->ni", r))[:, None, :]
    q[:, :, 0] *= np.linalg.det(q)[:, None]
    drawn: NDArray[np.float64] = q
    return drawn
