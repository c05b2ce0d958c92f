"""The main job, whole: real recordings through a pty into a running daemon."""

from pathlib import Path

import numpy as np
import pytest

from device.model import bundle as bundles
from train.datasets import hapt
from train.datasets.waist import LABELS, TEST_PEOPLE
from train.report.replay import labelled
from train.results.scores import score
from train.studies.replay import Replayed, replay, without_time

pytestmark = pytest.mark.slow
RATE_HZ = hapt.RATE_HZ


@pytest.fixture(scope="module")
def recordings(data_dir: Path) -> list[hapt.Recording]:
    found = [one for one in hapt.load(data_dir).recordings if one.person in TEST_PEOPLE]
    assert {one.person for one in found} == {2, 4, 9, 10}
    return found


@pytest.fixture(scope="module")
def replays(
    recordings: list[hapt.Recording], tmp_path_factory: pytest.TempPathFactory
) -> list[Replayed]:
    return [replay(one, tmp_path_factory.mktemp("replay")) for one in recordings]


def test_the_daemon_says_what_classify_says(
    recordings: list[hapt.Recording], replays: list[Replayed]
) -> None:
    for recording, done in zip(recordings, replays, strict=True):
        assert without_time(done.live) == without_time(done.offline)
        windows = [one for one in done.live if one["probabilities"]]
        # Every hop of the recording is answered, but for the warm-up and the kernel's reach.
        seconds = len(recording.samples) / RATE_HZ
        assert len(windows) * 1.28 > seconds - 10
        assert all(one["time"] for one in done.live)
        assert all(one["time"] is None for one in done.offline)


def test_nothing_is_lost_on_a_good_line(
    recordings: list[hapt.Recording], replays: list[Replayed]
) -> None:
    for recording, done in zip(recordings, replays, strict=True):
        assert done.daemon["source"]["samples"] == len(recording.samples)
        assert sum(one["lost"] for one in done.live) == 0
        assert done.daemon["source"]["frames_bad_crc"] == 0


def test_people_never_seen_are_recognised(
    recordings: list[hapt.Recording], replays: list[Replayed]
) -> None:
    rate_hz = bundles.load(bundles.locate("waist")).spec.rate_hz
    judgements = [
        labelled(one, done, rate_hz) for one, done in zip(recordings, replays, strict=True)
    ]
    truth, said = (np.concatenate(part) for part in zip(*judgements, strict=True))
    scores = score(truth, said, LABELS)
    assert scores.windows > 1100
    assert scores.accuracy >= 0.90, scores.confusion


@pytest.fixture(scope="module")
def troubled(
    recordings: list[hapt.Recording], tmp_path_factory: pytest.TempPathFactory
) -> Replayed:
    faults = ("drop:1%", "flip:1%", "unplug:3s@180s")
    options = [word for fault in faults for word in ("--fault", fault)]
    return replay(recordings[0], tmp_path_factory.mktemp("faults"), play=(*options, "--seed", "7"))


def test_every_loss_is_counted_exactly(
    recordings: list[hapt.Recording], troubled: Replayed
) -> None:
    lost = troubled.player["lost"]
    assert lost["drop"] > 0
    assert lost["flip"] > 0
    assert lost["unplug"] == 3 * RATE_HZ
    total = sum(lost.values())
    assert troubled.daemon["source"]["lost"] == total
    assert troubled.daemon["source"]["samples"] + total == len(recordings[0].samples)
    assert sum(one["lost"] for one in troubled.live) == total


def test_the_hole_is_reported(troubled: Replayed) -> None:
    silences = [one for one in troubled.live if one["state"] == "no_data"]
    assert len(silences) == 1
    assert silences[0]["start_s"] == pytest.approx(180, abs=0.5)
    assert "Traceback" not in troubled.log
    assert "went away" in troubled.log


def test_the_rest_of_the_decisions_is_right(
    recordings: list[hapt.Recording], replays: list[Replayed], troubled: Replayed
) -> None:
    """What was not lost is classified as well as ever, before the hole and after it."""
    rate_hz = bundles.load(bundles.locate("waist")).spec.rate_hz
    calm, rough = (
        score(*labelled(recordings[0], done, rate_hz), LABELS) for done in (replays[0], troubled)
    )
    assert rough.windows > 0.6 * calm.windows
    assert rough.accuracy > calm.accuracy - 0.03
    after = [one for one in troubled.live if (one["start_s"] or 0) > 190]
    assert sum(one["state"] == "ok" for one in after) > 50
