"""The wrist data sets: each publisher's quirks, in small; and what the real recordings must be."""

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.samples import Float64, Samples
from train.datasets import catalogue, weda, wisdm, wrist
from train.datasets.archive import DataError
from train.datasets.piece import ACTIVITIES, Piece
from train.datasets.wrist import WristSet
from train.report import wrist_data, wrist_pictures

G = 9.80665


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def write(path: Path, members: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def lines(rows: list[list[object]], end: str = "\n") -> str:
    return "".join(",".join(str(value) for value in row) + end for row in rows)


# In small: one archive of each publisher.


def wisdm_files(acc_ns: list[int], gyro_ns: list[int]) -> dict[str, str]:
    """Walk, the first acc column a row number; acc is 1 g on z, gyro x says the time in s."""
    acc: list[list[object]] = [[i, 1600, "A", t, 0, 0, G] for i, t in enumerate(acc_ns)]
    gyro: list[list[object]] = [[1600, "A", t, t * 1e-9, 0, 0] for t in gyro_ns]
    return {
        "raw/watch/accel/data_1600_accel_watch.txt": lines(acc, ";\n"),
        "raw/watch/gyro/data_1600_gyro_watch.txt": lines(gyro, ";\n"),
    }


MS = 1_000_000


def load_wisdm(folder: Path, acc_ns: list[int], gyro_ns: list[int]) -> Samples:
    write(folder / "wisdm-watch.zip", wisdm_files(acc_ns, gyro_ns))
    (piece,) = wrist.load("wisdm", folder).pieces
    assert (piece.person, piece.activity, piece.detail) == ("wisdm-1600", "walking", "A")
    return piece.samples


def test_wisdm_gyro_comes_onto_the_accelerometers_instants(tmp_path: Path) -> None:
    acc_ns = [50 * MS * i for i in range(100)]
    samples = load_wisdm(tmp_path, acc_ns, [t + 20 * MS for t in acc_ns])
    # Nothing before the gyro's first sample, and the gyro in between is what it was then.
    assert samples.t_s[0] == 0.05
    np.testing.assert_allclose(samples.gyro_rad_s[:, 0], samples.t_s, atol=1e-9)
    np.testing.assert_allclose(samples.acc_g, np.tile([0, 0, 1], (99, 1)), atol=1e-12)


def test_wisdm_a_gap_of_the_gyro_is_a_gap(tmp_path: Path) -> None:
    acc_ns = [50 * MS * i for i in range(100)]
    samples = load_wisdm(tmp_path, acc_ns, acc_ns[:40] + acc_ns[50:])
    assert len(samples) == 90
    assert np.diff(samples.t_s).max() == pytest.approx(0.55)


def test_wisdm_samples_come_once_and_in_order(tmp_path: Path) -> None:
    acc_ns = [50 * MS * i for i in range(100)]
    samples = load_wisdm(tmp_path, [*acc_ns[60:], *acc_ns, acc_ns[7]], acc_ns)
    np.testing.assert_allclose(samples.t_s, np.arange(100) * 0.05)


def test_wisdm_a_watch_that_ran_at_100_hz_comes_back_to_20(tmp_path: Path) -> None:
    fast_ns = [5000 * MS + 10 * MS * i for i in range(500)]
    acc_ns = [50 * MS * i for i in range(100)] + fast_ns
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
def test_merging_never_invents_a_gyro(acc_ms: list[int], gyro_ms: list[int]) -> None:
    acc_s, gyro_s = np.sort(acc_ms) / 1000, np.sort(gyro_ms) / 1000
    gyro = np.repeat(gyro_s[:, None], 3, axis=1)
    merged = wisdm.merge(acc_s, np.zeros((len(acc_s), 3)), gyro_s, gyro)
    # A gyro that says the time is right wherever it is given, and had a neighbour near by.
    np.testing.assert_allclose(merged.gyro_rad_s[:, 0], merged.t_s, atol=1e-12)
    nearest_s = np.abs(merged.t_s[:, None] - gyro_s[None]).min(axis=1, initial=np.inf)
    assert (nearest_s <= wisdm.LONGEST_GAP_S / 2 + 1e-12).all()


def test_daily_sports_segments_join_and_the_arms_are_theirs(tmp_path: Path) -> None:
    def segment(first: int) -> str:
        # Column c of row r says 100 r + c.
        return lines(
            [[100 * row + column for column in range(45)] for row in range(first, first + 125)]
        )

    members = {f"data/a01/p1/s{i + 1:02}.txt": segment(125 * i) for i in range(3)}
    # Padding, as the publisher has it.
    members["data/a01/p1/s02.txt"] += lines([[0] * 45] * 25)
    write(tmp_path / "daily-sports.zip", members)
    right, left = wrist.load("daily-sports", tmp_path).pieces
    assert (right.wrist, left.wrist) == ("right", "left")
    assert right.person == left.person == "daily-sports-1"
    assert right.activity == "sitting"
    assert len(right.samples) == 375
    assert right.samples.t_s[250] == 10.0
    np.testing.assert_allclose(right.samples.acc_g[374] * G, [37409, 37410, 37411])
    np.testing.assert_allclose(left.samples.gyro_rad_s[0], [21, 22, 23])


def test_sp_sw_runs_share_the_recordings_even_clock(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = ["SEATED"] * 200 + ["STANDING_UP"] * 100 + ["WALKING"] * 300 + ["SEATED"] * 50
    late_ms = random.exponential(3, len(labels))
    stamps = np.maximum.accumulate(np.floor(1.6e12 + 9.6 * np.arange(len(labels)) + late_ms))
    head = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label\n"
    rows: list[list[object]] = [
        [0, G, 0, 1, 2, 3, int(t), label] for t, label in zip(stamps, labels, strict=True)
    ]
    write(tmp_path / "sp-sw-har.zip", {"DATA/s01/s01_01_sw.csv": head + lines(rows)})
    pieces = wrist.load("sp-sw", tmp_path).pieces
    assert [piece.activity for piece in pieces] == ["sitting", "unknown", "walking", "sitting"]
    (whole,) = wrist.recordings(pieces).values()
    np.testing.assert_allclose(whole.t_s, np.arange(650) * 0.0096, rtol=0.002, atol=0.001)
    assert pieces[2].samples.t_s[0] > pieces[1].samples.t_s[-1]


def bursts(count: int, period_s: float = 0.02) -> Float64:
    """Stamps of samples taken evenly and delivered every 0.1 s, 2 ms apart."""
    taken_s = np.arange(count) * period_s
    burst = np.floor(taken_s / 0.1)
    within = np.arange(count) - np.searchsorted(burst, burst)
    stamps: Float64 = (burst + 1) * 0.1 + within * 0.002
    return stamps


def test_weda_stamps_in_bursts_become_even() -> None:
    even_s = weda.even(bursts(600), fall=False)
    np.testing.assert_allclose(np.diff(even_s), 0.02, rtol=0.01)


def test_weda_a_lost_packet_stays_a_gap() -> None:
    stamps = bursts(600)
    even_s = weda.even(np.delete(stamps, slice(300, 320)), fall=False)
    assert np.diff(even_s)[299] == pytest.approx(0.42, abs=0.05)
    np.testing.assert_allclose(np.diff(even_s)[300:], 0.02, rtol=0.02)


def test_weda_falls_get_their_missing_fifth_back() -> None:
    kept = np.arange(600) % 5 != 4
    even_s = weda.even(bursts(600)[kept], fall=True)
    np.testing.assert_allclose(np.diff(even_s)[:3], 0.02, rtol=0.01)
    assert np.diff(even_s)[3] == pytest.approx(0.04, rel=0.01)


def test_weda_late_packets_go_where_they_belong(tmp_path: Path) -> None:
    stamps = bursts(500)
    order = np.r_[0:200, 220:240, 200:220, 240:500]
    members = {}
    for kind in ("accel", "gyro"):
        head = ",".join(f"{kind}_{column}_list" for column in ("time", "x", "y", "z")) + "\n"
        rows: list[list[object]] = [[round(float(stamps[i]), 4), i, 0, 0] for i in order]
        members[f"dataset/50Hz/D01/U01_R01_{kind}.csv"] = head + lines(rows)
    write(tmp_path / "weda-fall.zip", members)
    (piece,) = wrist.load("weda", tmp_path).pieces
    assert (piece.person, piece.activity, piece.detail) == ("weda-U01", "walking", "D01")
    np.testing.assert_allclose(np.diff(piece.samples.gyro_rad_s[:, 0]), 1, atol=1e-6)


def test_mpu6050_units_and_sign(tmp_path: Path) -> None:
    rows: list[list[object]] = [[1, " A", f" {i}", " 8.0", " 0", " -16.0"] for i in range(40)]
    gyro: list[list[object]] = [[1, " A", f" {i}", " 180.0", " 0", " -90"] for i in range(40)]
    names = [f"mpu/{kind}/data_1_{kind}_watch.txt" for kind in ("accel", "gyro")]
    write(
        tmp_path / "mpu6050-wrist.zip", {names[0]: lines(rows, ";\n"), names[1]: lines(gyro, ";\n")}
    )
    (piece,) = wrist.load("mpu6050", tmp_path).pieces
    np.testing.assert_allclose(piece.samples.acc_g[0], [1, 0, -2])
    np.testing.assert_allclose(piece.samples.gyro_rad_s[0], [-np.pi, 0, np.pi / 2])
    np.testing.assert_allclose(piece.samples.t_s, np.arange(40) / 20)


Change = Callable[[dict[str, str]], object]
ACC = "raw/watch/accel/data_1600_accel_watch.txt"
GYRO = ACC.replace("accel", "gyro")


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, change: Change, said: str) -> None:
    files = wisdm_files(*[[50 * MS * i for i in range(10)]] * 2)
    change(files)
    write(tmp_path / "wisdm-watch.zip", files)
    with pytest.raises(DataError, match=said) as caught:
        wrist.load("wisdm", tmp_path)
    assert "\n" not in str(caught.value)
    assert "wisdm-watch.zip" in str(caught.value)


def test_no_such_set_and_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the names are wisdm, daily-sports"):
        wrist.load("wisdm-phone", tmp_path)
    for name in wrist.DATASETS:
        with pytest.raises(DataError, match="edgehar data fetch"):
            wrist.load(name, tmp_path)


def test_the_catalogue_knows_them_all() -> None:
    assert {entry.name for entry in catalogue.CATALOGUE} == {"uci-har", "hapt", *wrist.DATASETS}


# The real recordings. Of the two large archives some people only; all of them in the slow tests.

SOME = {
    "wisdm": ("data_1600_", "data_1608_", "data_1621_"),
    "daily-sports": ("/p1/",),
}


@pytest.fixture(scope="module")
def some_folder(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("some")
    for name, source in wrist.SOURCES.items():
        with zipfile.ZipFile(data_dir / source.files[0]) as whole:
            wanted = [n for n in whole.namelist() if any(part in n for part in SOME.get(name, n))]
            write(folder / source.files[0], {n: whole.read(n).decode("latin-1") for n in wanted})
    return folder


@pytest.fixture(scope="module")
def some(some_folder: Path) -> dict[str, WristSet]:
    return {name: wrist.load(name, some_folder) for name in wrist.DATASETS}


@pytest.fixture(scope="module")
def everyone(data_dir: Path) -> dict[str, WristSet]:
    return {name: wrist.load(name, data_dir) for name in wrist.DATASETS}


def minutes(found: WristSet, activity: str) -> float:
    return sum(float(np.ptp(p.samples.t_s)) / 60 for p in found.pieces if p.activity == activity)


def at_rest_g(pieces: tuple[Piece, ...]) -> dict[tuple[str, str], list[float]]:
    """|a| by wearer in every 1.5 s in which next to nothing moved."""
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
        rest[piece.person, piece.wrist] += np.linalg.norm(acc_g.mean(axis=1), axis=1)[
            still
        ].tolist()
    return {who: norms for who, norms in rest.items() if norms}


def cadence_hz(samples: Samples) -> float:
    """Where |a| has most power, from arm swing to running."""
    period_s = float(np.median(np.diff(samples.t_s)))
    even_s = np.arange(samples.t_s[0], samples.t_s[-1], period_s)
    norm = np.interp(even_s, samples.t_s, np.linalg.norm(samples.acc_g, axis=1))
    power = np.abs(np.fft.rfft((norm - norm.mean()) * np.hanning(len(norm)))) ** 2
    hz = np.fft.rfftfreq(len(norm), period_s)
    band = (hz > 0.6) & (hz < 4.5)
    return float(hz[band][power[band].argmax()])


def check_all(sets: dict[str, WristSet]) -> None:
    for name, found in sets.items():
        assert {p.dataset for p in found.pieces} == {name}
        assert {p.activity for p in found.pieces} <= {*ACTIVITIES, ""}
        for piece in found.pieces:
            assert piece.person.startswith(f"{name}-")
            assert (np.diff(piece.samples.t_s) > 0).all(), piece.recording
            assert np.isfinite(piece.samples.acc_g).all()
            assert np.abs(piece.samples.acc_g).max() < 8.5  # no wrist sensor here measures more
            assert np.abs(piece.samples.gyro_rad_s).max() < 36
        for who, norms in at_rest_g(found.pieces).items():
            assert np.median(norms) == pytest.approx(1, abs=0.03), who


@pytest.mark.slow
def test_at_rest_everyone_feels_one_g(some: dict[str, WristSet]) -> None:
    check_all(some)


@pytest.mark.slow
def test_at_rest_really_everyone_feels_one_g(everyone: dict[str, WristSet]) -> None:
    check_all(everyone)
    people = {name: len(found.people) for name, found in everyone.items()}
    assert people == {"wisdm": 36, "daily-sports": 6, "sp-sw": 17, "weda": 14, "mpu6050": 3}
    # 18 activities of three minutes; one of them is missing for two people.
    assert Counter(p.person for p in everyone["wisdm"].pieces).most_common(1)[0][1] == 18
    assert len(everyone["wisdm"].pieces) == 36 * 18 - 2
    periods_s = [np.median(np.diff(p.samples.t_s)) for p in everyone["wisdm"].pieces]
    np.testing.assert_allclose(periods_s, 0.05, rtol=0.02)


@pytest.mark.slow
def test_people_run_faster_than_they_walk_whatever_the_rate(some: dict[str, WristSet]) -> None:
    """A wrong sample rate would show as a wrong cadence."""
    for found in some.values():
        hz: dict[str, list[float]] = defaultdict(list)
        for piece in found.pieces:
            if np.ptp(piece.samples.t_s) > 8:
                hz[piece.activity].append(cadence_hz(piece.samples))
        if "running" in hz:
            assert 2.3 < np.median(hz["running"]) < 3.1
        if "walking" in hz:
            # Once a step, or once a stride where the arm swings wide.
            assert 0.7 < np.median(hz["walking"]) < 2.2


@pytest.mark.slow
def test_minutes_are_the_publishers(some: dict[str, WristSet]) -> None:
    for activity in ("walking", "sitting"):
        assert minutes(some["wisdm"], activity) == pytest.approx(3 * 3, rel=0.01)
    # Two arms, five minutes; walking is on the flat, on a treadmill and uphill.
    assert minutes(some["daily-sports"], "sitting") == pytest.approx(10, rel=0.01)
    assert minutes(some["daily-sports"], "walking") == pytest.approx(30, rel=0.01)
    assert minutes(some["mpu6050"], "sitting") == pytest.approx(9, rel=0.01)
    assert {p.activity for p in some["sp-sw"].pieces} == {"sitting", "walking", "unknown"}


@pytest.mark.slow
def test_daily_sports_segments_follow_each_other(some: dict[str, WristSet]) -> None:
    """Once the padding is out, nothing jumps further across a seam than within a segment."""
    for piece in some["daily-sports"].pieces:
        segment = 100 if piece.detail in {"a05", "a06"} else 125
        assert len(piece.samples) == 60 * segment
        assert np.linalg.norm(piece.samples.acc_g, axis=1).min() > 0
        step = np.linalg.norm(np.diff(piece.samples.acc_g, axis=0), axis=1)
        assert step[segment - 1 :: segment].mean() < 1.5 * step.mean(), piece.recording


@pytest.mark.slow
def test_hanging_arms_hang(some: dict[str, WristSet]) -> None:
    """Whoever walks, hands off a treadmill's rail, holds the forearm's axis near the vertical."""
    rail = {"a10", "a11"}
    for name, least in (("wisdm", 0.8), ("daily-sports", 0.8), ("sp-sw", 0.9), ("weda", 0.8)):
        walks = [p for p in some[name].pieces if p.activity == "walking" and p.detail not in rail]
        up = [piece.samples.acc_g.mean(axis=0) for piece in walks]
        # In every watch that axis is x.
        assert np.median([abs(g[0]) / np.linalg.norm(g) for g in up]) > least, name


def test_weda_falls_lack_every_fifth_sample(data_dir: Path) -> None:
    """In the publisher's rows each fourth change is larger: of falls, and of nothing else."""
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
def test_weda_falls_are_unknown_around_the_blow_alone(some: dict[str, WristSet]) -> None:
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
    """WISDM's watch and the MPU-6050 measure up to 2 g; it shows in running, and so it should."""
    for name in ("wisdm", "mpu6050"):
        running = [p.samples.acc_g for p in some[name].pieces if p.activity == "running"]
        assert np.abs(np.concatenate(running)).max() == pytest.approx(2, abs=0.06)


def test_the_catalogue_counts_what_is_there(data_dir: Path) -> None:
    (entry,) = (entry for entry in catalogue.CATALOGUE if entry.name == "mpu6050")
    found = entry.check(data_dir)
    assert found[0] == "people: 3, 3 wrists"
    assert "sitting: 9.0 min" in found


@pytest.mark.slow
def test_the_report_says_what_the_recordings_say(some_folder: Path, tmp_path: Path) -> None:
    figures = wrist_data.table(some_folder)
    assert json.loads(json.dumps(figures)) == figures
    assert {name: of["people"] for name, of in figures.items()} == {
        "wisdm": 3,
        "daily-sports": 1,
        "sp-sw": 17,
        "weda": 14,
        "mpu6050": 3,
    }
    rates_hz = [of["rate_hz"] for of in figures.values()]
    np.testing.assert_allclose(rates_hz, [20, 25, 104, 50, 20], rtol=0.02)
    for of in figures.values():
        assert of["gyro"]["as_it_is"] == of["gyro"]["checked"] > 0
    # Both arms of one person hang alike, mirrored.
    up = {wrist: figures["daily-sports"]["up"][f"standing {wrist}"] for wrist in ("left", "right")}
    np.testing.assert_allclose(
        up["left"]["direction"], up["right"]["direction"] * np.array([1, -1, 1]), atol=0.25
    )
    rows = wrist_data.rows(figures)
    assert {len(row) for row in rows} == {len(wrist_data.HEAD)}
    wrist_pictures.minutes(tmp_path / "minutes.png", figures)
    assert (tmp_path / "minutes.png").read_bytes().startswith(b"\x89PNG")
