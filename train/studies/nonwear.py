"""Tests nonwear detection on worn sensors and on a sensor that nobody wears."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from device.decision.nonwear import NonwearDetector, NonwearSpec, body_g, rate_rad_s
from device.signal.path import Window, windows_of
from device.signal.spec import SignalSpec
from train.studies.micro_movement import beyond_noise_rad_s
from train.wrist.spec import HOP_S
from train.wrist.spec import SPEC as WRIST
from train.wrist.wear_days import Day
from train.wrist.windows import marks_of

WORN = NonwearSpec()
TWICE = replace(WORN, gyro_rad_s=2 * WORN.gyro_rad_s, body_g=2 * WORN.body_g)
SHORTEST_S = 10.0
"""Shortest activity that measures the time to the end of `not_worn`; falls are shorter."""


def worn_figures(
    streams: Iterable[tuple[str, Sequence[Window]]], spec: SignalSpec
) -> dict[str, Any]:
    """Return the figures of worn sensors; `streams` are (person, windows)."""
    hop_s = spec.hop / spec.rate_hz
    windows: dict[str, int] = {}
    off: dict[str, int] = {}
    rates: list[float] = []
    longest = {"spec": 0.0, "twice": 0.0}
    for person, of_person in streams:
        worn, twice = NonwearDetector(WORN, hop_s), NonwearDetector(TWICE, hop_s)
        for window in of_person:
            windows[person] = windows.get(person, 0) + 1
            answer = worn.see(window.x)
            off[person] = off.get(person, 0) + (answer is not True)
            twice.see(window.x)
            longest["spec"] = max(longest["spec"], worn.still_s)
            longest["twice"] = max(longest["twice"], twice.still_s)
            rates.append(max(rate_rad_s(window.x), _as_rate(body_g(window.x))))
    total = sum(windows.values())
    return {
        "people": len(windows),
        "windows": total,
        "hours": total * hop_s / 3600,
        "stillest_rad_s": _quantiles(rates),
        "still_s": longest,
        "too_still": sum(off.values()) / total,
        "worst_person": max(off[person] / windows[person] for person in windows),
    }


def unworn_figures(windows: Sequence[Window]) -> dict[str, Any]:
    """Return the figures of a sensor that nobody wears."""
    worn = NonwearDetector(WORN, HOP_S)
    answers = [worn.see(window.x) for window in windows]
    off = np.array([answer is False for answer in answers])
    rates = [rate_rad_s(window.x) for window in windows]
    return {
        "hours": len(windows) * HOP_S / 3600,
        "rate_rad_s": _quantiles(rates, (0.5, 0.99)),
        "delay_s": float(windows[int(off.argmax())].end_s) if off.any() else None,
        "not_worn": float(off.mean()),
        "too_still": answers.count(None) / len(answers),
    }


def beyond_noise(days: Sequence[Day], activity: str) -> dict[str, int]:
    """Count the recordings of an activity at rest, and those below the threshold of stillness.

    `micro_movement` subtracts the noise of the sensor.
    """
    rates = [
        beyond_noise_rad_s(day.samples[first:end])
        for day in days
        for mark in day.marks
        if mark.activity == activity
        for first, end in [np.searchsorted(day.samples.t_s, [mark.start_s, mark.end_s])]
    ]
    known = [rate for rate in rates if rate is not None]
    return {"recordings": len(known), "still": sum(rate < WORN.gyro_rad_s for rate in known)}


def put_on_figures(days: Sequence[Day]) -> dict[str, Any]:
    """Measure the time to the end of `not_worn` for each activity of each wearer, seconds.

    This is the hardest case: before the activity, the sensor lies still in the activity's first
    attitude, so only movement shows that it is worn.
    """
    delays = []
    for day in days:
        windows = windows_of(day.samples, WRIST)
        marked = zip(windows, marks_of(windows, day.marks), strict=True)
        for mark, run in groupby(marked, key=lambda one: one[1]):
            of_mark = [window for window, _ in run]
            if mark is not None and len(of_mark) * HOP_S >= SHORTEST_S:
                delays.append(_put_on_s(of_mark))
    known = [seconds for seconds in delays if seconds is not None]
    return {
        "activities": len(delays),
        "not_within_them": len(delays) - len(known),
        "delay_s": {"median": float(np.median(known)), "longest": float(max(known))},
    }


def _put_on_s(windows: Sequence[Window]) -> float | None:
    """Return the time to the end of the first window decided as worn; None if there is none."""
    lying = np.zeros_like(windows[0].x)
    lying[:, :3] = windows[0].x[:, :3].mean(axis=0)
    worn = NonwearDetector(WORN, HOP_S)
    while worn.see(lying) is not False:
        pass
    for number, window in enumerate(windows, 1):
        if worn.see(window.x):
            return number * HOP_S
    return None


def _as_rate(body: float) -> float:
    """Scale body acceleration to angular rate by both thresholds, so that they can be compared."""
    return body * WORN.gyro_rad_s / WORN.body_g


def _quantiles(values: Sequence[float], shares: Sequence[float] = (0.0, 0.001)) -> list[float]:
    return [round(float(value), 6) for value in np.quantile(values, shares)]
