import os
import shutil
import stat
import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.labels import chunk, layout
from device.sinks import Outlet, SinkError
from device.sinks.raw_ring import EVERY_S, RawRing
from firmware_bridge.errors import InputError
from firmware_bridge.samples import Samples
from tests.device.full_disk import full_disk
from tests.device.killed import killed
from tests.device.labels.made_up import Board, in_ring, same, samples
from tests.device.made_up import a_status


def disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in layout.raw(folder).iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "labels"


@pytest.fixture
def board() -> Board:
    return Board(1.8e9)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 700), max_size=15), st.booleans(), st.integers(0, 3))
def test_however_it_comes_the_same_samples_are_kept(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], written: bool, lost: int
) -> None:
    folder = tmp_path_factory.mktemp("ring") / "labels"
    board = Board(1.8e9)
    some = samples(5.0, sum(sizes))
    ring, at, missing = board.ring(folder), 0, 0
    for size in sizes:
        part = some[at : at + size]
        block = Samples(part.t_s, part.acc_g, part.gyro_rad_s, lost)
        missing += lost * (size > 0)
        board.pass_by(size / 50)
        ring.keep(block)
        if written:
            ring.status(None)
        at += size
    ring.close()
    assert same(in_ring(folder), some)
    assert sum(one.lost for one in layout.chunks(layout.raw(folder))) == missing


@settings(max_examples=40)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=50))
def test_whatever_clock_a_sensor_claims_to_have_its_samples_are_kept(
    tmp_path_factory: pytest.TempPathFactory, times: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("ring") / "labels"
    board = Board(1.8e9)
    ring = RawRing(folder, 5, lambda _: None, board.read)
    some = Samples(np.array(times), np.zeros((len(times), 3)), np.ones((len(times), 3)))
    ring.keep(some)
    ring.close()
    assert same(in_ring(folder), some)


def test_the_oldest_goes_and_the_bound_holds_at_every_moment(folder: Path, board: Board) -> None:
    ring = board.ring(folder, max_mb=5)
    lived, most = [], 0
    for _ in range(27):  # each a quarter of a megabyte
        part = samples(board.sensor_s, 18_000, seed=board.seed)
        board.seed += 1
        for at in range(0, len(part), 3000):
            ring.keep(part[at : at + 3000])
            board.pass_by(60)
            ring.status(None)
            most = max(most, disk(folder))
        lived.append(part)
    ring.close()
    assert 4_000_000 < most <= 5_000_000
    every, kept = Samples.joined(lived), in_ring(folder)
    assert len(kept) < len(every) / 1.3
    assert same(kept, every[len(every) - len(kept) :])  # the latest, without a gap


def test_daemons_that_start_over_and_over_keep_within_it_too(folder: Path) -> None:
    layout.make(folder)
    for number in range(1, 1500):
        (layout.raw(folder) / f"{number:08}.ehr").write_bytes(b"?")
    for _ in range(3):
        ring = Board(1.8e9).ring(folder, max_mb=5)
        ring.keep(samples(5.0, 1))
        ring.close()
    assert len(in_ring(folder)) == 3
    taken = sum(path.stat().st_blocks * 512 for path in layout.raw(folder).iterdir())
    assert taken <= 5_000_000
    assert len(list(layout.raw(folder).iterdir())) > 1000


def test_it_is_written_every_few_seconds_and_not_more_often(folder: Path, board: Board) -> None:
    ring = board.ring(folder)
    lived = board.live(ring, 61.0)
    found = list(layout.chunks(layout.raw(folder)))
    assert 11 <= len(found) <= 12
    assert len(lived) - sum(one.size for one in found) <= 50 * EVERY_S
    assert len(layout.files(layout.raw(folder))) == 1


def test_others_get_at_nothing(folder: Path, board: Board) -> None:
    before = os.umask(0)
    try:
        board.live_and_close(folder, 6.0)
    finally:
        os.umask(before)
    for path in [folder, *folder.rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO, path


def test_where_no_folder_can_be_it_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file" / "labels", tmp_path / "none" / "labels"):
        with pytest.raises(InputError, match=r"cannot keep raw samples in .*labels\.folder"):
            Board(1.8e9).ring(bad)


def test_a_folder_that_was_removed_is_made_anew(folder: Path, board: Board) -> None:
    ring = board.ring(folder)
    board.live(ring, 11.0)
    shutil.rmtree(folder)
    with pytest.raises(SinkError, match="No such file"):
        board.live(ring, 11.0)
    board.live(ring, 30.0)
    ring.close()
    assert len(in_ring(folder)) > 1400


def test_a_full_disk_stops_nothing_and_costs_what_is_older_than_ten_minutes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, board = tmp_path / "labels", Board(1.8e9)
    ring = board.ring(folder)
    outlet = Outlet(ring)
    lived = []

    def live(seconds: float) -> None:
        for _ in range(round(seconds)):
            board.seed += 1
            block = samples(board.sensor_s, 50, board.seed)
            lived.append(block)
            board.pass_by(1.0)
            ring.keep(block)
            outlet.status(a_status())

    live(20)
    with full_disk(disk(folder) + 1000):
        live(900)
    assert outlet.failures > 100
    assert 50 < outlet.queued < 150  # 256 KiB
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    live(10)
    ring.close()
    kept, every = in_ring(folder), Samples.joined(lived)
    assert "works again" in caplog.text
    at = int(np.searchsorted(kept.t_s, 25.0))  # written before the disk was full
    assert same(kept[:at], every[:at])
    assert same(kept[at:], every[len(every) - (len(kept) - at) :])
    assert len(kept) - at > 50 * 300


def write_on(folder: Path, seed: int, told: int) -> None:
    """Write samples without end; report the number that the kernel has received."""
    board, count = Board(1.8e9 + 1e6 * seed, sensor_s=0.0), 0
    ring = board.ring(folder, max_mb=5)
    while True:
        board.pass_by(6.0)
        ring.keep(samples(count / 50, 300, seed=seed))
        ring.status(None)
        count += 300
        os.write(told, struct.pack("<I", count))


def test_killed_at_any_moment_it_has_what_it_had_written(tmp_path: Path) -> None:
    folder, chance = tmp_path / "labels", np.random.default_rng(1)
    acknowledged = seed = 0
    while acknowledged <= 10_000 or seed < 30:
        seed += 1
        reports = killed(partial(write_on, folder, seed), chance.random() * 0.03)
        count = max([0, *(int(count) for (count,) in struct.iter_unpack("<I", reports))])
        acknowledged += count
        if count:
            found = list(layout.chunks(layout.raw(folder)))
            mine = [one.size for one in found if one.boot == found[-1].boot]
            assert count <= sum(mine) <= count + 300
            assert disk(folder) <= 5_000_000


def test_a_file_left_by_a_power_cut_is_read_and_left_alone(folder: Path, board: Board) -> None:
    ring = board.ring(folder)
    lived = board.live(ring, 60.0)
    (path,) = layout.files(layout.raw(folder))
    chunks = list(chunk.read(path.read_bytes()))
    cut = len(path.read_bytes()) - 100
    os.truncate(path, cut)
    with path.open("ab") as file:
        file.write(bytes(5000))  # as some file systems leave it
    later = Board(1.8e9 + 1e5)
    more = later.live_and_close(folder, 30.0)
    before = sum(one.size for one in chunks[:-1])
    assert same(in_ring(folder), Samples.joined([lived[:before], more]))
    assert path.stat().st_size == cut + 5000
