"""Fits a network to labelled windows of training people."""

import logging
import math
import time
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from train.datasets.waist import LABELS, refuse_test_people
from train.fitting.augment import TiltedBatches
from train.networks.models import MODELS, adapt
from train.networks.recipes import Recipe
from train.results.scores import score
from train.waist.windows import LabelledWindows

LOG = logging.getLogger("train")

History = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained model and its training history."""

    model: keras.Model
    history: History
    """By epoch: loss and accuracy; val_loss and val_accuracy with validation windows; peek_loss
    and peek_accuracy with windows to peek at."""
    epoch: int
    """The epoch of the model's weights, counted from 1."""
    seconds: float


def fit(
    recipe: Recipe,
    seed: int,
    train: LabelledWindows,
    validation: LabelledWindows | None = None,
    peek: LabelledWindows | None = None,
) -> Fitted:
    """Train a new network. The same seed on the same machine gives the same weights.

    With validation windows the weights are those of the epoch with the highest accuracy on them,
    at a tie with the lower loss; otherwise those of the last epoch. Windows to `peek` at are
    scored after every epoch, for the history only, so they may be windows of test people.

    Raises DataError if training or validation windows include a test person.
    """
    refuse_test_people(train.people)
    if validation is not None:
        refuse_test_people(validation.people)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = MODELS[recipe.model](len(LABELS), recipe.extras)
    adapt(model, train.x)
    steps = math.ceil(len(train) / recipe.batch) * recipe.epochs
    model.compile(
        optimizer=_optimizer(recipe, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # under XLA, dropout alone takes four times as long as the rest
    )
    best = _BestEpoch()
    callbacks: list[keras.callbacks.Callback] = [best, progress(recipe.epochs)]
    if recipe.averaging is not None:
        # Keras swaps the averaged weights back after validation; `best` must read them before.
        callbacks.insert(1, keras.callbacks.SwapEMAWeights())
    if peek is not None:
        callbacks.append(_peek(model, peek))
    began = time.monotonic()
    history = model.fit(
        TiltedBatches(train.x, _one_hot(train.y), recipe, seed),
        epochs=recipe.epochs,
        validation_data=None if validation is None else (validation.x, _one_hot(validation.y)),
        callbacks=callbacks,
        verbose=0,
    )
    epoch = recipe.epochs
    if best.weights is not None:
        model.set_weights(best.weights)
        epoch = best.epoch
    return Fitted(model, dict(history.history), epoch, time.monotonic() - began)


def probabilities(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (n, classes) probabilities of (n, 128, 9) windows."""
    # A direct call, because `predict` compiles again for every model, with a warning.
    parts = [np.asarray(model(x[i : i + 512], training=False)) for i in range(0, len(x), 512)]
    return np.concatenate(parts, dtype=np.float64)


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate = recipe.learning_rate
    if recipe.cosine:
        rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    momentum = recipe.averaging
    averaging = {} if momentum is None else {"use_ema": True, "ema_momentum": momentum}
    if recipe.weight_decay is None:
        return keras.optimizers.Adam(rate, **averaging)
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **averaging)


def _one_hot(y: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.eye(len(LABELS), dtype=np.float32)[y]


class _BestEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Stores the weights of the epoch with the best scores on the validation windows."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[NDArray[np.float32]] | None = None
        self.epoch = 0
        self._best = (-1.0, 0.0)
        self._now = 0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002  Keras's signature
        self._now = epoch + 1

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        if logs and (score := (logs["accuracy"], -logs["loss"])) > self._best:
            self._best, self.epoch, self.weights = score, self._now, self.model.get_weights()


def _peek(model: keras.Model, windows: LabelledWindows) -> keras.callbacks.Callback:
    """Return a callback that adds the scores on these windows to the history of each epoch."""

    def peek(_: int, logs: dict[str, float]) -> None:
        scores = score(windows.y, probabilities(model, windows.x), LABELS)
        logs.update(peek_accuracy=scores.accuracy, peek_loss=scores.loss)

    return keras.callbacks.LambdaCallback(on_epoch_end=peek)


def progress(epochs: int) -> keras.callbacks.Callback:
    """Return a callback that logs a line with the figures of each epoch."""

    def log(epoch: int, logs: dict[str, float]) -> None:
        figures = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        LOG.info("epoch %d of %d  %s", epoch + 1, epochs, figures)

    return keras.callbacks.LambdaCallback(on_epoch_end=log)
