"""A playing device's frames and faults, without a line."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import InputError
from firmware_bridge.playing import faults
from firmware_bridge.playing.device import VirtualDevice
from firmware_bridge.playing.plan import Played, stream
from firmware_bridge.playing.player import Saver
from firmware_bridge.recording import RecordingWriter, read
from firmware_bridge.samples import Samples
from tests.firmware_bridge.reader import Reader, table

ALL_RATES = ("drop:5%", "flip:5%", "duplicate:5%", "reorder:5%", "garbage:5%")


def walk(count: int, seed: int = 0, begin_s: float = 3.0) -> Samples:
    """Return samples at about 50 Hz, with jitter, and a pause of 1 s in the middle."""
    rng = np.random.default_rng(seed)
    steps_us = rng.integers(15_000, 25_000, count)
    steps_us[count // 2] = 1_000_000
    t_s = (round(begin_s * 1e6) + np.cumsum(steps_us)) / 1e6
    return Samples(t_s, rng.normal(0, 1, (count, 3)), rng.normal(0, 2, (count, 3)))


def played_through(
    blocks: list[Samples], specs: tuple[str, ...], seed: int, save: Path
) -> tuple[Reader, Played, VirtualDevice]:
    device, played, reader = VirtualDevice(), Played(), Reader()
    with RecordingWriter(save) as out:
        saver = Saver(device, out)
        for action in stream(iter(blocks), device, faults.parse(specs), seed, played):
            if action.kind == "plug":
                reader.reopened()
            reader.feed(action.data)
            saver.take(action)
        saver.write()
    return reader, played, device


@settings(max_examples=40, derandomize=True)
@given(
    specs=st.lists(
        st.sampled_from(
            [*ALL_RATES, "unplug:3s@5s", "unplug:2.5s@20s", "stall:1s@7s", "reboot@9s", "reboot@6s"]
        ),
        unique=True,
    ),
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(0, 1500), max_size=5),
)
def test_a_reader_gets_exactly_the_samples_that_the_player_counts_as_delivered(
    tmp_path_factory: pytest.TempPathFactory, specs: list[str], seed: int, cuts: list[int]
) -> None:
    save = tmp_path_factory.mktemp("play") / "sent.csv"
    whole = walk(1500, seed)
    edges = [0, *sorted(cuts), 1500]
    blocks = [whole[a:b] for a, b in pairwise(edges)]
    reader, played, _ = played_through(blocks, tuple(specs), seed, save)
    counts = reader.counts
    lost = sum(played.lost.values())
    assert played.samples == 1500 == played.delivered + lost
    assert counts.samples == played.delivered
    assert counts.lost == lost - played.unknowable
    assert counts.reboots == played.reboots
    assert counts.before_hello == 0
    assert reader.frames.stale == played.duplicates + played.overtaken
    np.testing.assert_array_equal(reader.table, table(read(save)[0]))


def test_without_faults_everything_arrives_to_the_lsb_and_the_microsecond(tmp_path: Path) -> None:
    whole = walk(2000)
    reader, played, device = played_through([whole], (), 0, tmp_path / "sent.csv")
    np.testing.assert_array_equal(reader.table[:, 0], whole.t_s)
    assert np.abs(reader.table[:, 1:4] - whole.acc_g).max() <= 4 / 32768 / 2
    assert np.abs(reader.table[:, 4:] - whole.gyro_rad_s).max() <= np.deg2rad(500 / 32768) / 2
    assert device.rate_mhz == pytest.approx(50_000, rel=0.02)
    assert played.lost == {"drop": 0, "flip": 0, "reorder": 0, "unplug": 0}
    assert reader.frames.resyncs == 0


def test_a_saved_recording_plays_again_unchanged(tmp_path: Path) -> None:
    played_through([walk(500)], ("drop:5%",), 1, tmp_path / "first.csv")
    first, _ = read(tmp_path / "first.csv")
    played_through([first], (), 2, tmp_path / "second.csv")
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_faults_have_the_requested_rate_and_repeat_with_their_seed(tmp_path: Path) -> None:
    specs = tuple(spec.replace("5%", "1%") for spec in ALL_RATES)
    whole = walk(50_000)
    _, once, _ = played_through([whole], specs, 7, tmp_path / "a.csv")
    _, again, _ = played_through([whole], specs, 7, tmp_path / "b.csv")
    _, other, _ = played_through([whole], specs, 8, tmp_path / "c.csv")
    assert once == again != other
    for count in (once.damaged, once.duplicates, once.overtaken, once.garbage):
        assert 25 <= count <= 80  # 50 expected of 5000 frames
    assert 250 <= once.lost["drop"] <= 800


def test_an_unplug_loses_the_samples_of_its_seconds(tmp_path: Path) -> None:
    whole = walk(1500)
    reader, played, _ = played_through([whole], ("unplug:3s@5s",), 0, tmp_path / "sent.csv")
    into_s = whole.t_s - whole.t_s[0]
    away = (into_s >= 5) & (into_s < 8)
    assert played.lost["unplug"] == away.sum()
    np.testing.assert_array_equal(reader.table[:, 0], whole.t_s[~away])


def test_values_beyond_full_scale_saturate(tmp_path: Path) -> None:
    samples = walk(20)
    samples.acc_g[5, 0], samples.acc_g[6, 0] = 7.0, -7.0
    samples.gyro_rad_s[7] = [0, 0, 12]
    reader, _, device = played_through([samples], (), 0, tmp_path / "sent.csv")
    assert device.saturated == 3
    assert reader.table[5, 1] == 4 - 4 / 32768
    assert reader.table[6, 1] == -4
    assert reader.table[7, 6] == pytest.approx(np.deg2rad(500), rel=1e-4)


def test_samples_that_no_device_can_take_are_left_out_and_counted(tmp_path: Path) -> None:
    samples = walk(20)
    samples.acc_g[3, 1] = np.nan
    samples.t_s[8] = np.inf
    samples.t_s[10] = samples.t_s[9] - 0.5
    reader, played, device = played_through([samples], (), 0, tmp_path / "sent.csv")
    assert (device.skipped, played.samples, len(reader.table)) == (3, 17, 17)


def test_a_recording_that_begins_before_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="t_s < 0"):
        played_through([walk(20, begin_s=-1)], (), 0, tmp_path / "sent.csv")


MALFORMED = ("", "drop", "drop:1", "drop:-1%", "melt:1%", "stall:3s", "unplug:s@5s", "reboot")


@pytest.mark.parametrize(
    ("specs", "complaint"),
    [
        *(([spec], "is none of") for spec in MALFORMED),
        (["drop:101%"], "100 %"),
        (["drop:60%", "flip:50%"], "100 %"),
        (["unplug:3s@5s", "unplug:3s@6s"], "before the previous one ends"),
    ],
)
def test_faults_that_are_malformed_or_exclude_each_other_are_refused(
    specs: list[str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        faults.parse(specs)
