"""The recordings of the wrist data sets are what the parsers take them for."""

import json
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import periodogram

from firmware_bridge.samples import Samples
from tests.train.datasets.archives import zipped
from train.datasets import catalogue, weda, wrist
from train.datasets.piece import ACTIVITIES, Piece
from train.datasets.wrist import WristSet
from train.report import wrist_data, wrist_pictures
from train.wrist.wear_days import ON_A_RAIL

SOME = {"wisdm": ("data_1600_", "data_1608_", "data_1621_"), "daily-sports": ("/p1/",)}


@pytest.fixture(scope="module")
def some_folder(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("some")
    for name, source in wrist.SOURCES.items():
        with zipfile.ZipFile(data_dir / source.files[0]) as whole:
            wanted = [n for n in whole.namelist() if any(part in n for part in SOME.get(name, n))]
            (folder / source.files[0]).write_bytes(zipped({n: whole.read(n) for n in wanted}))
    return folder


@pytest.fixture(scope="module")
def some(some_folder: Path) -> dict[str, WristSet]:
    return {name: wrist.load(name, some_folder) for name in wrist.DATASETS}


def at_rest_g(pieces: tuple[Piece, ...]) -> dict[tuple[str, str], list[float]]:
    """Return |a| by wearer, for each 1.5 s in which almost nothing moves."""
    rest: dict[tuple[str, str], list[float]] = defaultdict(list)
    for piece in pieces:
        samples = piece.samples
        if len(samples) < 2:
            continue
        count = max(int(1.5 / np.median(np.diff(samples.t_s))), 1)
        whole = len(samples) // count * count
        acc_g = samples.acc_g[:whole].reshape(-1, count, 3)
        gyro = samples.gyro_rad_s[:whole].reshape(-1, count, 3)
        still = (acc_g.std(axis=1).max(axis=1) < 0.02) & (gyro.std(axis=1).max(axis=1) < 0.1)
        norms = np.linalg.norm(acc_g.mean(axis=1), axis=1)
        rest[piece.person, piece.wrist] += norms[still].tolist()
    return {who: norms for who, norms in rest.items() if norms}


def cadence_hz(samples: Samples) -> float:
    """Return the frequency at which |a| has most power, from arm swing to running."""
    period_s = float(np.median(np.diff(samples.t_s)))
    even_s = np.arange(samples.t_s[0], samples.t_s[-1], period_s)
    norm = np.interp(even_s, samples.t_s, np.linalg.norm(samples.acc_g, axis=1))
    hz, power = periodogram(norm, 1 / period_s, "hann")
    band = (hz > 0.6) & (hz < 4.5)
    return float(hz[band][power[band].argmax()])


@pytest.mark.slow
def test_all_samples_are_plausible_and_rest_is_one_g(data_dir: Path) -> None:
    sets = {name: wrist.load(name, data_dir) for name in wrist.DATASETS}
    for name, dataset in sets.items():
        assert {p.dataset for p in dataset.pieces} == {name}
        assert {p.activity for p in dataset.pieces} <= {*ACTIVITIES, ""}
        for piece in dataset.pieces:
            assert piece.person.startswith(f"{name}-")
            assert (np.diff(piece.samples.t_s) > 0).all(), piece.recording
            assert np.isfinite(piece.samples.acc_g).all()
            assert np.abs(piece.samples.acc_g).max() < 8.5  # the largest range of these sensors
            assert np.abs(piece.samples.gyro_rad_s).max() < 36
        for who, norms in at_rest_g(dataset.pieces).items():
            assert np.median(norms) == pytest.approx(1, abs=0.03), who
    people = {name: len(dataset.people) for name, dataset in sets.items()}
    assert people == {"wisdm": 36, "daily-sports": 6, "sp-sw": 17, "weda": 14, "mpu6050": 3}
    # 18 activities of three minutes; two people lack one of them.
    assert Counter(p.person for p in sets["wisdm"].pieces).most_common(1)[0][1] == 18
    assert len(sets["wisdm"].pieces) == 36 * 18 - 2
    periods_s = [np.median(np.diff(p.samples.t_s)) for p in sets["wisdm"].pieces]
    np.testing.assert_allclose(periods_s, 0.05, rtol=0.02)


@pytest.mark.slow
def test_cadences_show_right_sample_rates(some: dict[str, WristSet]) -> None:
    for dataset in some.values():
        hz: dict[str, list[float]] = defaultdict(list)
        for piece in dataset.pieces:
            if np.ptp(piece.samples.t_s) > 8:
                hz[piece.activity].append(cadence_hz(piece.samples))
        if "running" in hz:
            assert 2.3 < np.median(hz["running"]) < 3.1
        if "walking" in hz:
            # Once a step, or once a stride if the arm swings wide.
            assert 0.7 < np.median(hz["walking"]) < 2.2


@pytest.mark.slow
def test_minutes_are_as_published(some: dict[str, WristSet]) -> None:
    # Three people; or two arms of one person, who walks on the floor and twice on a treadmill.
    for name, activity, minutes in (
        ("wisdm", "walking", 3 * 3),
        ("wisdm", "sitting", 3 * 3),
        ("daily-sports", "sitting", 2 * 5),
        ("daily-sports", "walking", 2 * 3 * 5),
        ("mpu6050", "sitting", 9),
    ):
        assert some[name].minutes[activity] == pytest.approx(minutes, rel=0.01)
    assert {p.activity for p in some["sp-sw"].pieces} == {"sitting", "walking", "unknown"}


@pytest.mark.slow
def test_daily_sports_segments_are_consecutive(some: dict[str, WristSet]) -> None:
    """Without the padding, samples change as little between segments as within them."""
    for piece in some["daily-sports"].pieces:
        segment = 100 if piece.detail in {"a05", "a06"} else 125
        assert len(piece.samples) == 60 * segment
        assert np.linalg.norm(piece.samples.acc_g, axis=1).min() > 0
        step = np.linalg.norm(np.diff(piece.samples.acc_g, axis=0), axis=1)
        assert step[segment - 1 :: segment].mean() < 1.5 * step.mean(), piece.recording


@pytest.mark.slow
def test_forearms_are_vertical_in_walking(some: dict[str, WristSet]) -> None:
    """The forearm is near the vertical in walking, except on a treadmill with a rail."""
    for name, least in (("wisdm", 0.8), ("daily-sports", 0.8), ("sp-sw", 0.9), ("weda", 0.8)):
        walks = [p for p in some[name].pieces if p.activity == "walking"]
        up = [p.samples.acc_g.mean(axis=0) for p in walks if p.detail not in ON_A_RAIL]
        # In every watch the axis x is along the forearm.
        assert np.median([abs(g[0]) / np.linalg.norm(g) for g in up]) > least, name


def test_weda_falls_lack_every_fifth_sample(data_dir: Path) -> None:
    """In the publisher's rows each fourth change is larger, for falls only."""
    larger = defaultdict(list)
    with zipfile.ZipFile(data_dir / "weda-fall.zip") as archive:
        for name in archive.namelist():
            if not name.endswith("_gyro.csv"):
                continue
            with archive.open(name) as file:
                rows = np.loadtxt(file, delimiter=",", skiprows=1)
            rows = rows[np.argsort(rows[:, 0], kind="stable")]
            step = np.linalg.norm(np.diff(rows[:, 1:], axis=0), axis=1)
            quarters = step[: len(step) // 4 * 4].reshape(-1, 4).mean(axis=0)
            larger[name.split("/")[-2][0]].append(quarters[3] / quarters[:3].mean())
    assert np.min(larger["F"]) > 1
    assert np.median(larger["F"]) == pytest.approx(1.6, abs=0.15)
    assert np.median(larger["D"]) == pytest.approx(1, abs=0.03)


@pytest.mark.slow
def test_weda_falls_are_unknown_around_the_impact_only(some: dict[str, WristSet]) -> None:
    falls = [p for p in some["weda"].pieces if p.detail.startswith("F")]
    assert {p.activity for p in falls} == {"unknown", ""}
    whole = wrist.recordings(falls)
    for piece in falls:
        if piece.activity == "unknown":
            assert np.ptp(piece.samples.t_s) <= 2 * weda.FALL_S
            hardest = np.linalg.norm(whole[piece.recording].acc_g, axis=1).max()
            assert np.linalg.norm(piece.samples.acc_g, axis=1).max() == hardest


@pytest.mark.slow
def test_small_ranges_clip(some: dict[str, WristSet]) -> None:
    """WISDM's watch and the MPU-6050 measure up to 2 g, so running is clipped."""
    for name in ("wisdm", "mpu6050"):
        running = [p.samples.acc_g for p in some[name].pieces if p.activity == "running"]
        assert np.abs(np.concatenate(running)).max() == pytest.approx(2, abs=0.06)


def test_the_catalogue_summarises_an_archive(data_dir: Path) -> None:
    (entry,) = (entry for entry in catalogue.CATALOGUE if entry.name == "mpu6050")
    summary = entry.check(data_dir)
    assert summary[0] == "people: 3, 3 wrists"
    assert "sitting: 9.0 min" in summary


@pytest.mark.slow
def test_the_report_describes_the_recordings(some_folder: Path, tmp_path: Path) -> None:
    figures = wrist_data.table(some_folder)
    assert json.loads(json.dumps(figures)) == figures
    assert [of["people"] for of in figures.values()] == [3, 1, 17, 14, 3]
    rates_hz = [of["rate_hz"] for of in figures.values()]
    np.testing.assert_allclose(rates_hz, [20, 25, 104, 50, 20], rtol=0.02)
    for of in figures.values():
        assert of["gyro"]["as_it_is"] == of["gyro"]["checked"] > 0
    # Both arms of a person hang in the same way, mirrored.
    up = {wrist: figures["daily-sports"]["up"][f"standing {wrist}"] for wrist in ("left", "right")}
    np.testing.assert_allclose(
        up["left"]["direction"], up["right"]["direction"] * np.array([1, -1, 1]), atol=0.25
    )
    rows = wrist_data.rows(figures)
    assert {len(row) for row in rows} == {len(wrist_data.HEAD)}
    wrist_pictures.minutes(tmp_path / "minutes.png", figures)
    assert (tmp_path / "minutes.png").read_bytes().startswith(b"\x89PNG")
