"""Fits the wrist network with batches balanced by activity, data set and wearer."""

import math
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from numpy.typing import NDArray

from train.datasets.piece import UNKNOWN
from train.fitting.augment import stepped
from train.fitting.fit import progress
from train.networks.models import adapt
from train.wrist.augment import Variety, varied
from train.wrist.network import network
from train.wrist.wear_days import CLASSES
from train.wrist.windows import WristWindows

SITTING = CLASSES.index("sitting")
MOVEMENTS = [CLASSES.index(name) for name in ("walking", "running", "stairs", "unknown")]


@dataclass(frozen=True, slots=True)
class WristRecipe:
    """All parameters of a fit except the data and the seed."""

    epochs: int = 12
    windows: int = 24_000
    """Number of windows drawn for each epoch."""
    batch: int = 64
    learning_rate: float = 0.0025
    weight_decay: float = 0.004
    label_smoothing: float = 0.05
    averaging: float = 0.99
    """Momentum of the exponential average of the weights."""
    clip: float = 2.5
    """Limit (±, g and rad/s scaled to the typical wearer) of the clipping layer, and the range of
    the int8 input."""
    dropout: tuple[float, float] = (0.3, 0.5)
    """Rates after the convolutions and before the last layer."""
    shares: tuple[float, ...] = (0.2, 0.1, 0.2, 0.18, 0.16, 0.16)
    """Shares of CLASSES in a batch."""
    resting_rad_s: float = 0.06
    """`unknown` windows with a lower rms angular rate, scaled to the typical wearer, are dropped:
    between two bites, people who eat sit as still as others."""
    variety: Variety = field(default_factory=Variety)


def fit(recipe: WristRecipe, seed: int, windows: WristWindows) -> keras.Model:
    """Train a network (n, window, 9) -> (n, CLASSES) on all labelled windows, to the last epoch."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    windows = replace(windows, y=np.where(windows.lying, SITTING, windows.y))
    windows = windows.where((windows.y >= 0) & ~_rests(windows, recipe.resting_rad_s))
    model = network(recipe.clip, recipe.dropout)
    batches = _Batches(windows, recipe, seed)
    adapt(model, windows.x[batches.order[:8000]])
    steps = len(batches) * recipe.epochs
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps),
            weight_decay=recipe.weight_decay,
            use_ema=True,
            ema_momentum=recipe.averaging,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )
    # The averaged weights stay in the model after training.
    callbacks = [keras.callbacks.SwapEMAWeights(), progress(recipe.epochs)]
    model.fit(batches, epochs=recipe.epochs, callbacks=callbacks, verbose=0)
    return model


def fair_chances(windows: WristWindows, shares: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the probability that each window is drawn.

    Classes have `shares`. In a class, a data set has the weight of the root of its size, and the
    wearers of a data set have equal weights.
    """
    chances = np.zeros(len(windows))
    present = [(c, share) for c, share in enumerate(shares) if (windows.y == c).any()]
    for c, share in present:
        of_class = windows.y == c
        sets, counts = np.unique(windows.dataset[of_class], return_counts=True)
        for name, part in zip(sets, np.sqrt(counts) / np.sqrt(counts).sum(), strict=True):
            of_set = of_class & (windows.dataset == name)
            _, inverse, sizes = np.unique(
                windows.wearer[of_set], return_inverse=True, return_counts=True
            )
            # A wearer with less than thirty windows has a smaller weight.
            due = np.minimum(sizes, 30) / np.minimum(sizes, 30).sum()
            chances[of_set] = share * part * (due / sizes)[inverse]
    whole: NDArray[np.float64] = chances / chances.sum()
    return whole


def _rests(windows: WristWindows, least_rad_s: float) -> NDArray[np.bool_]:
    rate = windows.x[:, :, 3:6]
    turning = np.sqrt(((rate - rate.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(axis=1))
    rests: NDArray[np.bool_] = (windows.y == CLASSES.index(UNKNOWN)) & (turning < least_rad_s)
    return rests


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
    """Batches of windows that are drawn and augmented anew in every epoch."""

    def __init__(self, windows: WristWindows, recipe: WristRecipe, seed: int):
        super().__init__()
        self._windows, self._recipe = windows, recipe
        self._one_hot = np.eye(len(CLASSES), dtype=np.float32)[windows.y]
        self._chances = fair_chances(windows, recipe.shares)
        self._random = np.random.default_rng(seed)
        self.order = np.empty(0, np.intp)
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self._recipe.batch)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = self.order[i * self._recipe.batch : (i + 1) * self._recipe.batch]
        moves = np.isin(self._windows.y[rows], MOVEMENTS)
        x = varied(self._windows.x[rows], moves, self._recipe.variety, self._random)
        return stepped(x, self._recipe.clip), self._one_hot[rows]

    def on_epoch_end(self) -> None:
        """Draw the windows of the next epoch."""
        count = self._recipe.windows
        self.order = self._random.choice(len(self._windows), count, p=self._chances)
