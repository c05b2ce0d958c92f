"""The wrist model's training and test: days, windows, augmentation, filters, decisions."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.decision.hmm_filter import HmmFilter
from device.decision.hmm_filter import tempered as tempered_on_the_device
from device.decision.judge import DecisionSpec
from device.model.bundle import load, locate
from device.pipeline.pipeline import Pipeline
from firmware_bridge.samples import Float64
from firmware_bridge.simulator.wearer import WRIST_NUMBERS, Wearer
from train.datasets import wrist
from train.studies.gyro_check import check
from train.wrist.augment import Variety, varied
from train.wrist.cross_validation import FOLDS, subject_folds
from train.wrist.decisions import decide, delay_s, figures
from train.wrist.fit import WristRecipe, fair_chances
from train.wrist.fit_decision import UNKNOWN, UNKNOWN_DETECTED, Stretch, fit_decision, stretches
from train.wrist.hmm_filters import believed, smoothing, tempered
from train.wrist.spec import ORIENTATION, POSTURES, SPEC
from train.wrist.strap_angles import random_turns, turned, without
from train.wrist.wear_days import CLASSES, Day, Mark, days
from train.wrist.windows import windows

SCRIPT = (("standing", 20.0), ("walking", 60.0), ("sitting", 40.0), ("standing", 40.0))
STILL = Variety(0, 0, 0, 0, 0, 0, 0, 0, 0)
MOVES = np.ones(200, bool)


def day_of(script: tuple[tuple[str, float], ...], seed: int = 0) -> Day:
    """Return a day of the synthetic wrist wearer, who does each activity for some seconds."""
    samples, _ = Wearer(seed, WRIST_NUMBERS).samples(script)
    ends_s = np.cumsum([seconds for _, seconds in script]).tolist()
    marks = tuple(
        Mark(end_s - seconds, end_s - 1 / SPEC.rate_hz, activity, "X")
        for (activity, seconds), end_s in zip(script, ends_s, strict=True)
    )
    name = f"made-up-{seed}"
    return Day(name, name, "made-up", "left", samples, marks)


def by_gravity(x: NDArray[np.float32]) -> Float64:
    """Walking if the arm moves; sitting if gravity is far from the forearm; else standing."""
    rows = []
    for window in x.astype(np.float64):
        moves = min(1.0, float(window[:, 6:].std()) * 8)
        level = min(1.0, float(np.hypot(*window[:, 1:3].mean(axis=0))))
        row = [moves, 0, 0, (1 - moves) * level, (1 - moves) * (1 - level), 0]
        rows.append([(p + 0.01) / 1.06 for p in row])
    return np.array(rows)


def test_decisions_are_those_of_the_device_on_the_same_samples() -> None:
    spec = DecisionSpec(0.5, True, 1.2, smoothing(30.0, 0.3, 0.3, 0.2))
    day = day_of(SCRIPT)
    those = windows([day], SPEC, ORIENTATION)
    offline = decide(those, by_gravity(those.x), spec, POSTURES)
    bundle = replace(load(locate("wrist")), decision=spec, worn=None)
    live = [d for d in Pipeline(bundle, by_gravity).push(day.samples) if d.probabilities]
    assert [CLASSES[i] for i in offline.decided] == [d.activity or "unknown" for d in live]
    assert offline.confidence.tolist() == [d.confidence for d in live]
    # Postures need the mounting, which is unknown until the wearer has walked.
    assert {d.reason for d in live if d.end_s is not None and d.end_s < 20} == {"mounting"}
    assert figures(offline).recall["sitting"] > 0.8


def test_a_rotated_sensor_gives_the_same_decisions_after_walking() -> None:
    spec = DecisionSpec(0.5, True, 1.0, smoothing(30.0, 0.3, 0.3, 0.2))
    day = day_of((("walking", 60.0), ("sitting", 40.0), ("standing", 40.0)))
    decided = set()
    for turn in (np.eye(3), *random_turns(4, seed=1)):
        those = windows([turned(day, turn)], SPEC, ORIENTATION)
        decisions = decide(those, by_gravity(those.x), spec, POSTURES)
        decided.add(tuple(decisions.decided[-50:].tolist()))
    assert len(decided) == 1


def test_random_turns_are_rotations() -> None:
    for turn in random_turns(20, seed=0):
        assert np.allclose(turn @ turn.T, np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1.0)


def test_windows_of_two_activities_are_unlabelled() -> None:
    those = windows([day_of(SCRIPT)], SPEC, ORIENTATION)
    ends_s = np.cumsum([seconds for _, seconds in SCRIPT])
    for start_s, label in zip(those.start_s, those.y, strict=True):
        spans = any(start_s + 0.11 < end < start_s + 2.56 - 0.11 for end in ends_s[:-1])
        assert (label == -1) == spans
    assert {CLASSES[i] for i in those.y if i >= 0} == {"walking", "sitting", "standing"}


def test_augmented_windows_are_possible_movements() -> None:
    """After rotation, mirroring and change of pace, gyroscope and accelerometer still agree."""
    t_s = np.arange(128) / 50
    rate = 1.5 * np.stack([np.sin(2 * t_s), 0.7 * np.cos(3 * t_s), 0.5 * np.sin(1.5 * t_s)], axis=1)
    gravity = [np.array([0.0, 0.6, 0.8])]
    for omega in rate[:-1]:  # dg/dt = -omega x g
        step = gravity[-1] - np.cross(omega, gravity[-1]) / 50
        gravity.append(step / np.linalg.norm(step))
    x = np.concatenate([gravity, rate, np.zeros((128, 3))], axis=1).astype(np.float32)
    variety = replace(STILL, tilt_deg=40, wrong_side=0.5, any_way=0.5)
    augmented = varied(np.repeat(x[None], 200, axis=0), MOVES, variety, _random())
    for window in augmented.astype(np.float64):
        middle = slice(1, -1)
        turning = np.gradient(window[:, :3], 1 / 50, axis=0)[middle]
        expected = -np.cross(window[:, 3:6], window[:, :3])[middle]
        assert np.abs(turning - expected).max() < 0.1
    assert len({window.tobytes() for window in augmented}) == 200


def test_only_movement_gets_a_random_rotation() -> None:
    x = np.zeros((200, 128, 9), np.float32)
    x[:, :, 0] = -1
    augmented = varied(x, np.arange(200) < 100, replace(STILL, any_way=1.0), _random())
    assert (augmented[100:, 0, 0] == -1).all()
    assert abs(augmented[:100, 0, 0].mean()) < 0.4  # gravity has any direction


def test_without_variety_a_window_is_unchanged_or_mirrored() -> None:
    x = _random().normal(size=(50, 128, 9)).astype(np.float32)
    augmented = varied(x, MOVES[:50], STILL, _random())
    mirror = np.array([1, 1, -1, -1, -1, 1, 1, 1, -1], np.float32)
    away = [np.abs(augmented - images).max(axis=(1, 2)) for images in (x, x * mirror)]
    assert (np.minimum(*away) < 1e-5).all()
    assert away[0].max() > 0.1  # some are mirrored


def test_every_class_and_wearer_has_its_share_of_a_batch() -> None:
    those = windows([day_of(SCRIPT, 1), day_of((("walking", 60.0),), 2)], SPEC, ORIENTATION)
    those = those.where(those.y >= 0)
    shares = WristRecipe().shares
    chances = fair_chances(those, shares)
    assert chances.sum() == pytest.approx(1)
    present = sorted({int(c) for c in those.y})
    whole = sum(shares[c] for c in present)
    for c in present:
        assert chances[those.y == c].sum() == pytest.approx(shares[c] / whole)
    walking = those.y == 0
    first = chances[walking & (those.wearer == "made-up-1")].sum()
    assert first == pytest.approx(chances[walking].sum() / 2)


def test_many_wearers_are_filtered_like_on_the_device() -> None:
    random = _random()
    wearers = [random.dirichlet(np.full(len(CLASSES), 0.1), n) for n in (1, 40, 7)]
    wearers[0][0] = np.eye(len(CLASSES))[2]  # int8 outputs have zeros
    spec = smoothing(60.0, 0.3, 0.3, 0.3)
    beliefs = believed([tempered(rows, 1.7) for rows in wearers], spec)
    for rows, belief in zip(wearers, beliefs, strict=True):
        forward = HmmFilter(spec)
        device = [forward.step(tempered_on_the_device(row, 1.7)) for row in rows.tolist()]
        np.testing.assert_allclose(belief, device, rtol=1e-9)


def test_the_fitted_decision_rejects_unknown_and_few_known_windows() -> None:
    random = _random()
    y = np.repeat(np.arange(len(CLASSES)), 60)
    rows = random.dirichlet(np.ones(len(CLASSES)), len(y)) * 0.7
    rows[np.arange(len(y)), y] += 0.3
    those = [Stretch("made-up", rows, y, np.ones(len(y), bool))]
    spec = fit_decision(those)
    assert spec.smoothing is not None
    (belief,) = believed([tempered(rows, spec.temperature)], spec.smoothing)
    belief = tempered(belief, spec.softening)
    best = belief[:, :UNKNOWN].max(1)
    rejected = (best < spec.unknown_threshold) | (belief[:, UNKNOWN] > best)
    assert rejected[y == UNKNOWN].mean() >= UNKNOWN_DETECTED
    assert rejected[y != UNKNOWN].mean() < 0.2
    assert (belief[:, :UNKNOWN].argmax(1) == y)[y != UNKNOWN].mean() > 0.8


def test_the_delay_ends_with_the_first_decision_for_the_new_activity() -> None:
    day = day_of((("walking", 40.0), ("sitting", 40.0)))
    those = windows([day], SPEC, ORIENTATION)
    rows = np.full((len(those), len(CLASSES)), 0.001)
    late = np.flatnonzero(those.y == 3)[0] + 3  # the model's output is three windows late
    rows[:late, 0] = rows[late:, 3] = 0.99
    decisions = decide(those, rows, DecisionSpec(0.0, True), POSTURES)
    assert delay_s(decisions, those).tolist() == pytest.approx([3 * 1.28])


def test_folds_divide_the_people() -> None:
    both = [replace(day_of((("walking", 10.0),), i), dataset="ab"[i % 2]) for i in range(12)]
    arms = [
        replace(day, wearer=f"{day.person} {side}") for day in both for side in ("left", "right")
    ]
    those = windows(arms, SPEC, ORIENTATION)
    folds = subject_folds(those)
    assert len(folds) == FOLDS
    assert sorted(p for fold in folds for p in fold) == sorted({day.person for day in both})
    assert stretches(those, np.zeros((len(those), 7)))[0].rows.shape[1] == 7


def test_days_of_real_wearers_begin_with_walking(data_dir: Path) -> None:
    for name in ("mpu6050", "sp-sw", "weda"):
        for day in days(wrist.load(name, data_dir).pieces):
            assert np.isfinite(day.samples.t_s).all()
            assert (np.diff(day.samples.t_s) > 0).all()
            assert all(before.end_s < after.start_s for before, after in pairwise(day.marks))
    for day in days(wrist.load("mpu6050", data_dir).pieces):
        walked = [mark.activity for mark in day.marks]
        assert "walking" not in walked or walked[0] == "walking"
        assert np.diff(day.samples.t_s).max() < 0.25  # no gap where recordings meet
        fit = check([day.samples])
        assert fit is None or fit.scale == pytest.approx(1, abs=0.3)


def test_a_day_without_an_activity_has_all_others(data_dir: Path) -> None:
    day = days(wrist.load("mpu6050", data_dir).pieces)[0]
    less = without(day, "running")
    assert {m.activity for m in less.marks} == {m.activity for m in day.marks} - {"running"}
    gone = sum(m.end_s - m.start_s for m in day.marks if m.activity == "running")
    assert len(day.samples) - len(less.samples) == pytest.approx(gone * 20, rel=0.01)


def _random() -> np.random.Generator:
    return np.random.default_rng(0)
