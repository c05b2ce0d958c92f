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
    """By epoch: loss, accuracy; val_loss, val_accuracy with validation windows; peek_loss,
    peek_accuracy with windows to peek at."""
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
    """Train a new network; one seed on one machine gives one set of weights.

    With validation windows the model is that of the epoch with the highest accuracy on them (of
    the lower loss at a tie); otherwise that of the last epoch. Windows to `peek` at are scored
    after every epoch for the record only (`peek_accuracy`, `peek_loss`), so the test people's are
    allowed.

    Raises:
        DataError: a test person's windows are among those to train or choose on.

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
    callbacks: list[keras.callbacks.Callback] = [best, Progress(recipe.epochs)]
    if recipe.averaging is not None:
        # After `best` in the list, so that `best` sees the averaged weights that were validated.
        callbacks.insert(1, keras.callbacks.SwapEMAWeights())
    if peek is not None:
        callbacks.append(_Peek(peek))
    began = time.monotonic()
    history = model.fit(
        TiltedBatches(
            train.x,
            _one_hot(train.y),
            recipe.batch,
            recipe.tilt_deg,
            recipe.tilt_share,
            seed,
            recipe.extras.clip,
        ),
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
    # A direct call: `predict` compiles again for every model, and TensorFlow warns of it.
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
    """Stores the weights of the epoch that scores best on the validation windows."""

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


class _Peek(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Records each epoch's scores on windows by which nothing is chosen."""

    def __init__(self, windows: LabelledWindows):
        super().__init__()
        self._windows = windows

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002  Keras's signature
        rows = probabilities(self.model, self._windows.x)
        scores = score(self._windows.y, rows, LABELS)
        if logs is not None:  # Keras makes the history from these
            logs.update(peek_accuracy=scores.accuracy, peek_loss=scores.loss)


class Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Logs one line an epoch."""

    def __init__(self, epochs: int):
        super().__init__()
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log the epoch's figures."""
        figures = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        LOG.info("epoch %d/%d  %s", epoch + 1, self._epochs, figures)
