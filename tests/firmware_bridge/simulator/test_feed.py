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


def test_a_recording_by_index_gives_the_counts_of_the_serial_line(walk: Samples) -> None:
    chip = start(Chip(feed.by_index(feed.values(walk)), ppm=-7000), divider=19)
    raw = np.concatenate([frame.raw for frame in VirtualDevice().frames([walk], [])])
    serial = np.column_stack((raw["acc"], raw["gyro"]))
    assert np.array_equal(read(chip, 13.0)[: len(walk)], serial)


def test_a_recording_begins_when_a_driver_first_requests_samples(walk: Samples) -> None:
    table = feed.values(walk)
    early, late = Chip(feed.by_index(table)), Chip(feed.by_index(table))
    put(late, 0x6B, 0x01, START_US - 3_000_000)
    for chip in (early, late):
        start(chip, divider=19)
    assert np.array_equal(read(early, 2.0), read(late, 2.0))


def test_a_recording_by_time_is_sampled_at_the_chips_instants(walk: Samples) -> None:
    table = feed.values(walk)
    same, twice = (start(Chip(feed.by_time(table, 50.0)), divider) for divider in (19, 9))
    samples = read(twice, 4.0)
    assert np.array_equal(samples[::2], read(same, 4.0))
    assert np.array_equal(samples[::2], samples[1::2])


def test_a_fast_chip_sees_the_same_second_in_more_samples(walk: Samples) -> None:
    chip = start(Chip(feed.by_time(feed.values(walk), 50.0), ppm=20_000), divider=19)
    samples = read(chip, 10.0)
    assert len(samples) == 510
    assert np.array_equal(samples[499], feed.counts(feed.values(walk), 4, 500)[489])


def test_gravity_turns_against_the_gyro() -> None:
    t_s = np.arange(0, 4, 0.001)
    for axis in range(3):
        six = feed.turning(30.0, axis)(np.arange(len(t_s)), t_s)
        g, omega = six[:, :3], np.radians(six[:, 3:])
        change = np.gradient(g, t_s, axis=0)[1:-1]
        assert change == pytest.approx(-np.cross(omega, g)[1:-1], abs=1e-6)
        assert np.linalg.norm(g, axis=1) == pytest.approx(1.0)


def test_a_wearer_moves_the_chip() -> None:
    chip = start(Chip(feed.wearer(Wearer(1))), divider=19)
    acc_g = read(chip, 60.0)[:, :3] * 4 / 32768
    assert np.linalg.norm(acc_g, axis=1).mean() == pytest.approx(1.0, abs=0.2)
    assert acc_g.std() > 0.1


def test_rows_that_are_not_finite_are_left_out_and_an_empty_recording_is_refused(
    walk: Samples,
) -> None:
    broken = Samples(walk.t_s[:3], walk.acc_g[:3].copy(), walk.gyro_rad_s[:3])
    broken.acc_g[1] = np.nan
    assert np.array_equal(feed.values(broken), feed.values(walk)[[0, 2]])
    with pytest.raises(InputError, match="no samples"):
        feed.values(walk[:0])
