"""Our body acceleration against UCI HAR's: windows are located, differences are small."""

from pathlib import Path

import numpy as np
import pytest

from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from tests.device.signal.streams import moments, walk
from train.datasets import hapt, uci_har
from train.datasets.waist import LABELS
from train.studies.body_acc import compare


def test_windows_of_our_own_path_are_located_and_equal() -> None:
    recordings = tuple(
        hapt.Recording(i, person, walk(moments(3000, 50), seed=i), ())
        for i, person in enumerate([1, 1, 2])
    )
    mine = [(r.person, w.x) for r in recordings for w in windows_of(r.samples, SignalSpec())[3:]]
    alien = walk(moments(128, 50), seed=99).acc_g[:, :1].repeat(9, axis=1)
    x = np.stack([x for _, x in mine] + [alien.astype(np.float32)] * 2)
    # Two alien windows: one of a person in the recordings, one of a person who is not.
    person = np.array([person for person, _ in mine] + [2, 3])
    uci = uci_har.UciHar(x, np.zeros(len(x), np.int64), person, "")
    compared = compare(hapt.Hapt(recordings, ""), uci, SignalSpec())
    for name in ("all", LABELS[0]):
        assert compared[name].windows == len(mine) + 1
        assert compared[name].matched == len(mine)
        # The difference is what remains of the filters' start.
        assert compared[name].body_difference_rms_g < 0.002
        assert compared[name].total_difference_rms_g < 1e-6
    assert compared[LABELS[1]].windows == 0


@pytest.mark.slow
def test_our_gravity_is_that_of_the_publisher(data_dir: Path) -> None:
    compared = compare(hapt.load(data_dir), uci_har.load(data_dir), SignalSpec())
    assert compared["all"].matched > 0.98 * compared["all"].windows
    for label in LABELS:
        assert compared[label].gravity_difference_rms_g < 0.004
        assert compared[label].body_difference_rms_g < 0.25 * compared[label].body_rms_g
