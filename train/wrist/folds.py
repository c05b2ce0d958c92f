"""The folds of cross-validation by subject."""

import numpy as np

from train.wrist.windows import WristWindows

FOLDS = 5


def subject_folds(windows: WristWindows, seed: int = 0) -> list[frozenset[str]]:
    """Divide the people of each data set into FOLDS groups; both arms of a person stay together."""
    dealt: list[set[str]] = [set() for _ in range(FOLDS)]
    random = np.random.default_rng(seed)
    turn = 0
    for dataset in sorted(set(windows.dataset.tolist())):
        people = sorted(set(windows.person[windows.dataset == dataset].tolist()))
        for person in random.permutation(people):
            dealt[turn % FOLDS].add(str(person))
            turn += 1
    return [frozenset(group) for group in dealt]
