"""The classifiers that are not networks."""

import numpy as np
import pytest

from tests.train.fitting.test_fit import toy
from train.datasets.archive import DataError
from train.fitting.baselines import BASELINES, measure, statistics


def test_statistics_of_each_channel() -> None:
    x = np.zeros((2, 128, 9), np.float32)
    x[0, :, 4] = np.linspace(-1, 1, 128)
    x[1, ::2, 8] = 6
    features = statistics(x).reshape(2, 8, 9)  # window, statistic, channel
    np.testing.assert_allclose(
        features[0, :, 4], [0, 0.5818, -1, 1, -0.5, 0, 0.5, 0.01575], atol=1e-3
    )
    np.testing.assert_array_equal(statistics(x[::-1]), statistics(x)[::-1])
    np.testing.assert_allclose(features[1, :, 8], [3, 3, 0, 6, 0, 3, 6, 6], atol=1e-5)
    assert np.count_nonzero(features) == np.count_nonzero(features[0, :, 4]) + 6


@pytest.mark.parametrize("name", BASELINES)
def test_each_learns_and_is_reproducible(name: str) -> None:
    train, test = toy(180), toy(60, person=2, seed=1)
    one, again = (measure(name, 3, train, test).scores for _ in range(2))
    assert one == again
    assert one.accuracy > 0.9


def test_test_people_are_refused() -> None:
    with pytest.raises(DataError, match=r"\[24\]"):
        measure("KNN", 0, toy(person=24), toy())
