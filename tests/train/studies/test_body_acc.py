from pathlib import Path

import numpy as np
import pytest

from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from tests.device.signal.streams import moments, walk
from train.datasets import hapt, uci_har
from train.datasets.waist import LABELS
from train.studies.body_acc import compare


def test_what_our_own_path_made_is_found_and_equal() -> None:
    recordings = tuple(
        hapt.Recording(i, person, walk(moments(3000, 50), seed=i), ())
        for i, person in enumerate([1, 1, 2])
    )
    mine = [(r.person, w.x) for r in recordings for w in windows_of(r.samples, SignalSpec())[3:]]
    alien = walk(moments(128, 50), seed=99).acc_g[:, :1].repeat(9, axis=1)
    x = np.stack([x for _, x in mine] + [alien.astype(np.float32)] * 2)
    # The last one's person is in no recording; the one before was never recorded.
    person = np.array([person for person, _ in mine] + [2, 3])
    uci = uci_har.UciHar(x, np.zeros(len(x), np.int64), person, "")
    found = compare(hapt.Hapt(recordings, ""), uci, SignalSpec())
    for name in ("all", LABELS[0]):
        assert found[name].windows == len(mine) + 1
        assert found[name].matched == len(mine)
        # Warmed up from 2.56 s on; the path's own start is what is left.
        assert found[name].body_difference_rms_g < 0.002
        assert found[name].total_difference_rms_g < 1e-6
    assert found[LABELS[1]].windows == 0


@pytest.mark.slow
def test_our_gravity_is_the_publishers(data_dir: Path) -> None:
    found = compare(hapt.load(data_dir), uci_har.load(data_dir), SignalSpec())
    assert found["all"].matched > 0.98 * found["all"].windows
    for label in LABELS:
        assert found[label].gravity_difference_rms_g < 0.004
        assert found[label].body_difference_rms_g < 0.25 * found[label].body_rms_g
