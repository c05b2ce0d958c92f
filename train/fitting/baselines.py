"""The classifiers that the second paper compares its network with, from scikit-learn and XGBoost.

Their features are eight statistics of each of the nine channels. With raw samples as features, all
but XGBoost score lower on left-out training people; see RECIPES.md.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from train.datasets.waist import LABELS, refuse_test_people
from train.fitting.augment import tilted
from train.networks.recipes import CAREFUL
from train.results.scores import Scores, score
from train.waist.windows import LabelledWindows

TILTED_COPIES = 3
"""Number of tilted copies of each training window, in addition to the window itself."""

BASELINES: dict[str, Callable[[int], Any]] = {
    "KNN": lambda _: make_pipeline(StandardScaler(), KNeighborsClassifier(5)),
    "SVM": lambda _: make_pipeline(StandardScaler(), SVC(C=1.0)),
    "Random Forest": lambda seed: RandomForestClassifier(200, random_state=seed),
    "Extra Trees": lambda seed: ExtraTreesClassifier(200, random_state=seed),
    "XGBoost": lambda seed: XGBClassifier(
        n_estimators=300,
        max_depth=4,
        learning_rate=0.1,
        subsample=0.7,
        colsample_bytree=0.3,
        n_jobs=1,
        random_state=seed,
    ),
}
"""Functions that make a classifier from a seed, by name."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A classifier's scores, and its times on one thread."""

    scores: Scores
    """Ignore the loss: not all of these classifiers return probabilities."""
    seconds: float
    """Training time, with augmentation and features."""
    us_a_window: float
    """Classification time for one window, features included, all test windows in one call."""


def measure(name: str, seed: int, train: LabelledWindows, test: LabelledWindows) -> Measured:
    """Train a baseline and score it; raises DataError if `train` has windows of a test person."""
    refuse_test_people(train.people)
    model = BASELINES[name](seed)
    random = np.random.default_rng(seed)
    began = time.monotonic()
    copies = [tilted(train.x, CAREFUL.tilt_deg, 1.0, random) for _ in range(TILTED_COPIES)]
    features = np.concatenate([statistics(x) for x in (train.x, *copies)])
    model.fit(features, np.tile(train.y, 1 + TILTED_COPIES))
    trained = time.monotonic()
    predicted = model.predict(statistics(test.x))
    us_a_window = (time.monotonic() - trained) / len(test) * 1e6
    certain = np.eye(len(LABELS))[predicted]
    return Measured(score(test.y, certain, LABELS), trained - began, us_a_window)


def statistics(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, 72) features of (n, 128, 9) windows.

    Each channel has eight: mean, deviation, minimum, maximum, three quartiles, and the mean
    absolute difference of consecutive samples.
    """
    quartiles = np.percentile(x, [25, 50, 75], axis=1)
    step = np.abs(np.diff(x, axis=1)).mean(axis=1)
    parts = [x.mean(axis=1), x.std(axis=1), x.min(axis=1), x.max(axis=1), *quartiles, step]
    features: NDArray[np.float32] = np.concatenate(parts, axis=1).astype(np.float32)
    return features
