import numpy as np
import pytest

from firmware_bridge.errors import InputError
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.samples import Samples
from firmware_bridge.simulator import feed
from firmware_bridge.simulator.chip import Chip
from firmware_bridge.simulator.wearer import Wearer
from tests.firmware_bridge.simulator.driving import START_US, fifo, put, start


@pytest.fixture(scope="module")
def walk() -> Samples:
    return Wearer(3).samples([("walking", 8.0), ("sitting", 4.0)])[0]


def read(chip: Chip, seconds: float) -> feed.Int64:
    times = np.arange(START_US, START_US + seconds * 1e6 + 1, 100_000).astype(int).tolist()
    return np.concatenate([fifo(chip, at_us) for at_us in times]).astype(np.int64)


def test_a_recording_by_index_gives_the_counts_that_go_over_the_serial_line(walk: Samples) -> None:
    chip = Chip(feed.by_index(feed.values(walk)), ppm=-7000)
    start(chip, divider=19)
    got = read(chip, 13.0)[: len(walk)]
    frames = list(VirtualDevice().frames([walk], []))
    acc = np.concatenate([frame.raw["acc"] for frame in frames])
    gyro = np.concatenate([frame.raw["gyro"] for frame in frames])
    assert np.array_equal(got, np.column_stack((acc, gyro)))


def test_a_recording_begins_when_samples_are_first_asked_for(walk: Samples) -> None:
    table = feed.values(walk)
    early, late = Chip(feed.by_index(table)), Chip(feed.by_index(table))
    put(late, 0x6B, 0x01, START_US - 3_000_000)
    for chip in (early, late):
        start(chip, divider=19)
    assert np.array_equal(read(early, 2.0), read(late, 2.0))


def test_a_recording_by_time_is_held_at_the_chips_own_instants(walk: Samples) -> None:
    table = feed.values(walk)
    same, twice = Chip(feed.by_time(table, 50.0)), Chip(feed.by_time(table, 50.0))
    start(same, divider=19)
    start(twice, divider=9)
    held = read(twice, 4.0)
    assert np.array_equal(held[::2], read(same, 4.0))
    assert np.array_equal(held[::2], held[1::2])


def test_a_fast_chip_sees_the_same_second_in_more_samples(walk: Samples) -> None:
    chip = Chip(feed.by_time(feed.values(walk), 50.0), ppm=20_000)
    start(chip, divider=19)
    got = read(chip, 10.0)
    lag = got[499] - feed.counts(feed.values(walk), 4, 500)[489]
    assert len(got) == 510
    assert not lag.any()


def test_gravity_turns_against_the_gyro() -> None:
    t_s = np.arange(0, 4, 0.001)
    for axis in range(3):
        six = feed.turning(30.0, axis)(np.arange(len(t_s)), t_s)
        g, omega = six[:, :3], np.radians(six[:, 3:])
        change = np.gradient(g, t_s, axis=0)[1:-1]
        assert change == pytest.approx(-np.cross(omega, g)[1:-1], abs=1e-6)
        assert np.linalg.norm(g, axis=1) == pytest.approx(1.0)


def test_a_wearer_moves_the_chip() -> None:
    chip = Chip(feed.wearer(Wearer(1)))
    start(chip, divider=19)
    acc_g = read(chip, 60.0)[:, :3] * 4 / 32768
    assert np.linalg.norm(acc_g, axis=1).mean() == pytest.approx(1.0, abs=0.2)
    assert acc_g.std() > 0.1


def test_what_is_not_finite_is_left_out_and_nothing_at_all_refused(walk: Samples) -> None:
    broken = walk[:3]
    broken = Samples(broken.t_s, broken.acc_g.copy(), broken.gyro_rad_s)
    broken.acc_g[1] = np.nan
    assert np.array_equal(feed.values(broken), feed.values(walk)[[0, 2]])
    with pytest.raises(InputError, match="no samples"):
        feed.values(walk[:0])
