"""Who may be seen in training, and who not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.datasets.archive import DataError
from train.datasets.waist import TEST_PEOPLE, folds, refuse_test_people, validation_people

TRAINING_PEOPLE = frozenset(range(1, 31)) - TEST_PEOPLE


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 20))
def test_validation_people_are_training_people(seed: int, count: int) -> None:
    chosen = validation_people(TRAINING_PEOPLE, count, seed)
    assert len(chosen) == count
    assert chosen < TRAINING_PEOPLE
    assert chosen == validation_people(TRAINING_PEOPLE, count, seed)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 21))
def test_folds_leave_everyone_out_once(seed: int, count: int) -> None:
    dealt = folds(TRAINING_PEOPLE, count, seed)
    assert sorted(person for fold in dealt for person in fold) == sorted(TRAINING_PEOPLE)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


@pytest.mark.parametrize("person", sorted(TEST_PEOPLE))
def test_no_test_person_gets_in(person: int) -> None:
    with pytest.raises(DataError, match=str(person)):
        refuse_test_people([1, person])
    with pytest.raises(DataError, match=str(person)):
        validation_people([1, 3, 5, 6, 7, person])
    with pytest.raises(DataError, match=str(person)):
        folds([1, 3, person], 2)


def test_someone_must_be_left_to_train_on() -> None:
    with pytest.raises(DataError, match="4 validation people from 4"):
        validation_people([1, 3, 5, 6], 4)
