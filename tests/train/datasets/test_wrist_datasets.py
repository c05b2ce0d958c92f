"""The parsers of the wrist data sets, on small made-up archives in each publisher's format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.samples import Float64, Samples
from tests.train.datasets.archives import csv, zipped
from train.datasets import catalogue, weda, wisdm, wrist
from train.datasets.archive import DataError
from train.datasets.piece import STANDARD_GRAVITY as G
from train.datasets.piece import Piece

MS = 1_000_000
ACC = "raw/watch/accel/data_1600_accel_watch.txt"
GYRO = ACC.replace("accel", "gyro")
STEADY_NS = [50 * MS * i for i in range(100)]


def load(name: str, folder: Path, members: dict[str, str]) -> tuple[Piece, ...]:
    (folder / wrist.SOURCES[name].files[0]).write_bytes(zipped(members))
    return wrist.load(name, folder).pieces


def wisdm_files(acc_ns: list[int], gyro_ns: list[int]) -> dict[str, str]:
    """Walking: acceleration is 1 g on z, the gyroscope's x is the time in s.

    The file of the accelerometer has line numbers, like that of one person.
    """
    acc: list[list[object]] = [[i, 1600, "A", t, 0, 0, G] for i, t in enumerate(acc_ns)]
    gyro: list[list[object]] = [[1600, "A", t, t * 1e-9, 0, 0] for t in gyro_ns]
    return {ACC: csv(acc, ";\n"), GYRO: csv(gyro, ";\n")}


def load_wisdm(folder: Path, acc_ns: list[int], gyro_ns: list[int]) -> Samples:
    (piece,) = load("wisdm", folder, wisdm_files(acc_ns, gyro_ns))
    assert (piece.person, piece.activity, piece.detail) == ("wisdm-1600", "walking", "A")
    return piece.samples


def test_wisdm_gyroscope_is_interpolated_at_the_accelerometers_times(tmp_path: Path) -> None:
    samples = load_wisdm(tmp_path, STEADY_NS, [t + 20 * MS for t in STEADY_NS])
    assert samples.t_s[0] == 0.05  # the first gyroscope sample comes after 0 s
    np.testing.assert_allclose(samples.gyro_rad_s[:, 0], samples.t_s, atol=1e-9)
    np.testing.assert_allclose(samples.acc_g, np.tile([0, 0, 1], (99, 1)), atol=1e-12)


def test_wisdm_gap_of_the_gyroscope_is_a_gap(tmp_path: Path) -> None:
    samples = load_wisdm(tmp_path, STEADY_NS, STEADY_NS[:40] + STEADY_NS[50:])
    assert len(samples) == 90
    assert np.diff(samples.t_s).max() == pytest.approx(0.55)


def test_wisdm_samples_are_sorted_and_unique(tmp_path: Path) -> None:
    samples = load_wisdm(tmp_path, [*STEADY_NS[60:], *STEADY_NS, STEADY_NS[7]], STEADY_NS)
    np.testing.assert_allclose(samples.t_s, np.arange(100) * 0.05)


def test_wisdm_samples_at_100_hz_become_20_hz(tmp_path: Path) -> None:
    acc_ns = STEADY_NS + [5000 * MS + 10 * MS * i for i in range(500)]
    samples = load_wisdm(tmp_path, acc_ns, acc_ns)
    assert len(samples) == 200
    np.testing.assert_allclose(np.diff(samples.t_s[102:]), 0.05, atol=1e-9)
    np.testing.assert_allclose(samples.gyro_rad_s[:, 0], samples.t_s, atol=1e-9)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_wisdm_thinning_keeps_the_mean_and_the_span(steps_ms: list[int]) -> None:
    t_s = np.cumsum([0, *steps_ms]) / 1000
    still = Samples(t_s, np.tile([0.0, 0.0, 1.0], (len(t_s), 1)), np.ones((len(t_s), 3)))
    thin = wisdm.thin(still)
    assert t_s[0] <= thin.t_s[0] <= thin.t_s[-1] <= t_s[-1]
    assert (np.diff(thin.t_s) > 0).all()
    np.testing.assert_allclose(thin.acc_g, np.tile([0.0, 0.0, 1.0], (len(thin), 1)))


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=50, unique=True),
    st.lists(st.integers(0, 2000), min_size=2, max_size=50, unique=True),
)
def test_merging_never_extrapolates_the_gyroscope(acc_ms: list[int], gyro_ms: list[int]) -> None:
    acc_s, gyro_s = np.sort(acc_ms) / 1000, np.sort(gyro_ms) / 1000
    gyro = np.repeat(gyro_s[:, None], 3, axis=1)
    merged = wisdm.merge(acc_s, np.zeros((len(acc_s), 3)), gyro_s, gyro)
    np.testing.assert_allclose(merged.gyro_rad_s[:, 0], merged.t_s, atol=1e-12)
    nearest_s = np.abs(merged.t_s[:, None] - gyro_s[None]).min(axis=1, initial=np.inf)
    assert (nearest_s <= wisdm.LONGEST_GAP_S / 2 + 1e-12).all()


def test_daily_sports_segments_are_joined_for_each_arm(tmp_path: Path) -> None:
    def segment(first: int) -> str:
        # Column c of row r is 100 r + c.
        rows = range(first, first + 125)
        return csv([[100 * row + column for column in range(45)] for row in rows])

    members = {f"data/a01/p1/s{i + 1:02}.txt": segment(125 * i) for i in range(3)}
    members["data/a01/p1/s02.txt"] += csv([[0] * 45] * 25)  # the publisher's padding
    right, left = load("daily-sports", tmp_path, members)
    assert (right.wrist, left.wrist) == ("right", "left")
    assert right.person == left.person == "daily-sports-1"
    assert right.activity == "sitting"
    assert len(right.samples) == 375
    assert right.samples.t_s[250] == 10.0
    np.testing.assert_allclose(right.samples.acc_g[374] * G, [37409, 37410, 37411])
    np.testing.assert_allclose(left.samples.gyro_rad_s[0], [21, 22, 23])


def test_daily_sports_segment_of_zeros_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"s01\.txt has zeros only"):
        load("daily-sports", tmp_path, {"data/a01/p1/s01.txt": csv([[0] * 45] * 25)})


def test_sp_sw_pieces_of_a_recording_have_one_even_clock(tmp_path: Path) -> None:
    labels = ["SEATED"] * 200 + ["STANDING_UP"] * 100 + ["WALKING"] * 300 + ["SEATED"] * 50
    late_ms = np.random.default_rng(0).exponential(3, len(labels))
    stamps = np.maximum.accumulate(np.floor(1.6e12 + 9.6 * np.arange(len(labels)) + late_ms))
    head = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label\n"
    rows: list[list[object]] = [
        [0, G, 0, 1, 2, 3, int(t), label] for t, label in zip(stamps, labels, strict=True)
    ]
    pieces = load("sp-sw", tmp_path, {"DATA/s01/s01_01_sw.csv": head + csv(rows)})
    assert [piece.activity for piece in pieces] == ["sitting", "unknown", "walking", "sitting"]
    (whole,) = wrist.recordings(pieces).values()
    np.testing.assert_allclose(whole.t_s, np.arange(650) * 0.0096, rtol=0.002, atol=0.001)
    assert pieces[2].samples.t_s[0] > pieces[1].samples.t_s[-1]


def bursts(count: int) -> Float64:
    """Return time stamps of 50 Hz samples that arrive every 0.1 s, 2 ms apart."""
    burst = np.arange(count) // 5
    stamps: Float64 = (burst + 1) * 0.1 + np.arange(count) % 5 * 0.002
    return stamps


def test_weda_time_stamps_in_bursts_become_even() -> None:
    step_s = np.diff(weda.even(bursts(600), fall=False))
    np.testing.assert_allclose(step_s, 0.02, rtol=0.01)
    step_s = np.diff(weda.even(np.delete(bursts(600), slice(300, 320)), fall=False))
    assert step_s[299] == pytest.approx(0.42, abs=0.05)  # a lost packet remains a gap
    np.testing.assert_allclose(step_s[300:], 0.02, rtol=0.02)


def test_weda_falls_have_a_gap_at_each_missing_fifth_sample() -> None:
    step_s = np.diff(weda.even(bursts(600)[np.arange(600) % 5 != 4], fall=True))
    np.testing.assert_allclose(step_s[:4], [0.02, 0.02, 0.02, 0.04], rtol=0.01)


def test_weda_packets_are_sorted_by_time(tmp_path: Path) -> None:
    stamps = bursts(500)
    order = np.r_[0:200, 220:240, 200:220, 240:500]
    members = {}
    for kind in ("accel", "gyro"):
        head = ",".join(f"{kind}_{column}_list" for column in ("time", "x", "y", "z")) + "\n"
        rows: list[list[object]] = [[round(float(stamps[i]), 4), i, 0, 0] for i in order]
        members[f"dataset/50Hz/D01/U01_R01_{kind}.csv"] = head + csv(rows)
    (piece,) = load("weda", tmp_path, members)
    assert (piece.person, piece.activity, piece.detail) == ("weda-U01", "walking", "D01")
    np.testing.assert_allclose(np.diff(piece.samples.gyro_rad_s[:, 0]), 1, atol=1e-6)


def test_mpu6050_units_and_sign(tmp_path: Path) -> None:
    members = {}
    for kind, x, z in (("accel", " 8.0", " -16.0"), ("gyro", " 180.0", " -90")):
        rows: list[list[object]] = [[1, " A", f" {i}", x, " 0", z] for i in range(40)]
        members[f"mpu/{kind}/data_1_{kind}_watch.txt"] = csv(rows, ";\n")
    (piece,) = load("mpu6050", tmp_path, members)
    np.testing.assert_allclose(piece.samples.acc_g[0], [1, 0, -2])
    np.testing.assert_allclose(piece.samples.gyro_rad_s[0], [-np.pi, 0, np.pi / 2])
    np.testing.assert_allclose(piece.samples.t_s, np.arange(40) / 20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files.pop(GYRO), "data_1600_gyro_watch.txt is missing"),
        (lambda files: files.update({GYRO: "1600,A,0,x,0,0;\n"}), "is not rows of"),
        (lambda files: files.update({GYRO: "1600,A,0,0;\n"}), "is not rows of"),
        (lambda files: files.update({GYRO: "1600,A,0,nan,0,0;\n"}), "not a number"),
        (lambda files: files.update({GYRO: ""}), "has no rows"),
        (lambda files: files.update({ACC: "\xff\n"}), "is not rows of"),
        (lambda files: files.update({GYRO: "1600,B,0,0,0,0;\n"}), "has no recording"),
    ],
)
def test_an_error_is_one_line_with_the_file_and_the_reason(
    tmp_path: Path, change: Callable[[dict[str, str]], object], message: str
) -> None:
    files = wisdm_files(STEADY_NS[:10], STEADY_NS[:10])
    change(files)
    with pytest.raises(DataError, match=message) as caught:
        load("wisdm", tmp_path, files)
    assert "\n" not in str(caught.value)
    assert "wisdm-watch.zip" in str(caught.value)


def test_an_unknown_name_and_a_missing_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the names are wisdm.*; did you mean wisdm\?"):
        wrist.load("wisdm-phone", tmp_path)
    for name in wrist.DATASETS:
        with pytest.raises(DataError, match="edgehar data fetch"):
            wrist.load(name, tmp_path)


def test_the_catalogue_has_all_data_sets() -> None:
    assert {entry.name for entry in catalogue.CATALOGUE} == {"uci-har", "hapt", *wrist.DATASETS}
