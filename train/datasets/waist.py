"""What UCI HAR and HAPT have in common: six activities, thirty people, one test split."""

from collections.abc import Iterable

import numpy as np

from train.datasets.archive import DataError

LABELS = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "lying")
"""In the publishers' order: activity number 1 is LABELS[0]."""

TEST_PEOPLE = frozenset({2, 4, 9, 10, 12, 13, 18, 20, 24})
"""The people of UCI HAR's official test set; HAPT has the same people under the same numbers."""


def refuse_test_people(people: Iterable[int]) -> None:
    """Raise DataError if one of the people belongs to the test set."""
    seen = sorted(TEST_PEOPLE.intersection(int(person) for person in people))
    if seen:
        raise DataError(
            f"data to train or choose on include test people {seen}; "
            "use people of the training set only"
        )


def validation_people(people: Iterable[int], count: int = 4, seed: int = 0) -> frozenset[int]:
    """Choose `count` of the training people for validation, reproducibly by seed.

    Raises DataError if `people` include a test person, or if nobody remains to train on.
    """
    candidates = sorted({int(person) for person in people})
    refuse_test_people(candidates)
    if not 0 < count < len(candidates):
        raise DataError(f"cannot take {count} validation people from {len(candidates)} people")
    chosen = np.random.default_rng(seed).choice(candidates, size=count, replace=False)
    return frozenset(int(person) for person in chosen)
