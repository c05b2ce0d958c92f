"""The common terms of UCI HAR and HAPT: six activities, thirty people, one test split."""

from collections.abc import Iterable

import numpy as np

from train.datasets.archive import DataError

LABELS = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "lying")
"""In the publishers' order: activity number 1 is LABELS[0]."""

TEST_PEOPLE = frozenset({2, 4, 9, 10, 12, 13, 18, 20, 24})
"""The people of UCI HAR's official test set; HAPT has the same people under the same numbers."""


def refuse_test_people(people: Iterable[int]) -> None:
    """Refuse test people in a fit or a choice.

    Raises:
        DataError: one of the people belongs to the test set.

    """
    seen = sorted(TEST_PEOPLE.intersection(int(person) for person in people))
    if seen:
        raise DataError(
            f"test people {seen} are among the data to train or choose on; "
            "use only people of the training set"
        )


def validation_people(people: Iterable[int], count: int = 4, seed: int = 0) -> frozenset[int]:
    """Choose `count` of the training people for validation, reproducibly by seed.

    Raises:
        DataError: a test person is among them, or nobody would remain to train on.

    """
    those = sorted({int(person) for person in people})
    refuse_test_people(those)
    if not 0 < count < len(those):
        raise DataError(f"cannot take {count} validation people from {len(those)} training people")
    chosen = np.random.default_rng(seed).choice(those, size=count, replace=False)
    return frozenset(int(person) for person in chosen)


def folds(people: Iterable[int], count: int, seed: int = 0) -> list[frozenset[int]]:
    """Divide the training people into `count` groups for cross-validation.

    Raises:
        DataError: a test person is among them, or there are fewer people than groups.

    """
    those = sorted({int(person) for person in people})
    refuse_test_people(those)
    if not 1 < count <= len(those):
        raise DataError(f"cannot deal {len(those)} people into {count} groups")
    dealt = np.random.default_rng(seed).permutation(those)
    return [frozenset(int(person) for person in dealt[i::count]) for i in range(count)]
