"""Fit the wrist's network: every activity, data set and wearer gets its fair share of a batch."""

import logging
import math
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from numpy.typing import NDArray

from train.augment import stepped
from train.datasets.piece import UNKNOWN
from train.fit import Progress
from train.models import adapt
from train.wrist.augment import Variety, varied
from train.wrist.chances import Weighed, fair_chances
from train.wrist.days import CLASSES
from train.wrist.network import joined, network
from train.wrist.windows import WristWindows

LOG = logging.getLogger("train")
SITTING = CLASSES.index("sitting")
MOVEMENTS = [CLASSES.index(name) for name in ("walking", "running", "stairs", "unknown")]


@dataclass(frozen=True, slots=True)
class WristRecipe:
    """Everything about a fit but the data and the seed."""

    epochs: int = 12
    windows: int = 24_000
    """Drawn anew for each epoch."""
    batch: int = 64
    learning_rate: float = 0.0025
    weight_decay: float = 0.004
    label_smoothing: float = 0.05
    averaging: float = 0.99
    """Momentum of the exponential average of the weights."""
    clip: float = 2.5
    """±g and rad/s (of the typical wearer's) to which the network clips, and int8's range."""
    dropout: tuple[float, float] = (0.3, 0.5)
    """After the convolutions and before the last layer."""
    shares: tuple[float, ...] = (0.2, 0.1, 0.2, 0.18, 0.16, 0.16)
    """Of each of CLASSES in a batch."""
    weighed: tuple[Weighed, ...] = ("by data set", "by wearer")
    """A network is taught each way, then they are joined to one."""
    resting_rad_s: float = 0.06
    """`unknown` windows in which the hand turns less than this, rms in the typical wearer's
    measure, are not trained on: whoever eats sits still between two bites, like any sitter."""
    variety: Variety = field(default_factory=Variety)


def fit(recipe: WristRecipe, seed: int, windows: WristWindows) -> keras.Model:
    """Train a new network (n, window, 9) -> (n, CLASSES) on all labelled windows; last epoch.

    One for each way that the recipe weighs windows, of another seed each, joined to one.
    """
    keras.backend.clear_session()
    windows = replace(windows, y=np.where(windows.lying, SITTING, windows.y))
    windows = windows.where((windows.y >= 0) & ~_rests(windows, recipe.resting_rad_s))
    models: list[keras.Model] = []
    typical = None
    for number, weighed in enumerate(recipe.weighed):
        LOG.info("network %d of %d, windows weighed %s", number + 1, len(recipe.weighed), weighed)
        own = seed * len(recipe.weighed) + number
        batches = _Batches(windows, recipe, weighed, own)
        typical = windows.x[batches.order[:8000]] if typical is None else typical
        models.append(_taught(recipe, batches, own, typical))
    return joined(models, recipe.clip, recipe.dropout)


def _taught(
    recipe: WristRecipe, batches: "_Batches", seed: int, typical: NDArray[np.float32]
) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = network(recipe.clip, recipe.dropout)
    adapt(model, typical)
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
    # The averaged weights stay in the model when training ends.
    callbacks = [keras.callbacks.SwapEMAWeights(), Progress(recipe.epochs)]
    model.fit(batches, epochs=recipe.epochs, callbacks=callbacks, verbose=0)
    return model


def _rests(windows: WristWindows, least_rad_s: float) -> NDArray[np.bool_]:
    rate = windows.x[:, :, 3:6]
    turning = np.sqrt(((rate - rate.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(axis=1))
    rests: NDArray[np.bool_] = (windows.y == CLASSES.index(UNKNOWN)) & (turning < least_rad_s)
    return rests


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
    """Windows drawn and varied anew every epoch."""

    def __init__(self, windows: WristWindows, recipe: WristRecipe, weighed: Weighed, seed: int):
        super().__init__()
        self._windows, self._recipe = windows, recipe
        self._one_hot = np.eye(len(CLASSES), dtype=np.float32)[windows.y]
        self._chances = fair_chances(windows, recipe.shares, weighed)
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
        """Draw the next epoch's windows."""
        count = self._recipe.windows
        self.order = self._random.choice(len(self._windows), count, p=self._chances)
