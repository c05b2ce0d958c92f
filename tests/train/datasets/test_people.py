"""Test people are refused in training and validation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.datasets.archive import DataError
from train.datasets.waist import TEST_PEOPLE, refuse_test_people, validation_people

TRAINING_PEOPLE = frozenset(range(1, 31)) - TEST_PEOPLE


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 20))
def test_validation_people_are_training_people(seed: int, count: int) -> None:
    chosen = validation_people(TRAINING_PEOPLE, count, seed)
    assert len(chosen) == count
    assert chosen < TRAINING_PEOPLE
    assert chosen == validation_people(TRAINING_PEOPLE, count, seed)


@pytest.mark.parametrize("person", sorted(TEST_PEOPLE))
def test_a_test_person_is_refused(person: int) -> None:
    with pytest.raises(DataError, match=str(person)):
        refuse_test_people([1, person])
    with pytest.raises(DataError, match=str(person)):
        validation_people([1, 3, 5, 6, 7, person])


def test_validation_leaves_people_to_train_on() -> None:
    with pytest.raises(DataError, match="4 validation people from 4"):
        validation_people([1, 3, 5, 6], 4)
