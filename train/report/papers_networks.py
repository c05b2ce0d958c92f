"""The networks in the papers' report."""

from dataclasses import dataclass, replace

from train.networks.recipes import CAREFUL, PAPER, Recipe
from train.report import papers_published as published
from train.report.fits import Job
from train.report.papers_published import Published

SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Subject:
    """A network, our recipe for it, and the figures in its paper."""

    title: str
    recipe: Recipe
    published: Published | None
    lstm: str = "unrolled"
    """Form of its LSTM in TFLite; 128 unrolled steps would make a model too large."""
    seeds: tuple[int, ...] = SEEDS
    as_given: tuple[int, ...] = ()
    """Seeds of fits by the paper's recipe."""
    in_quick: bool = False
    """Whether a quick report has this network; it has one of each kind."""

    def jobs(self) -> list[Job]:
        """Return fits by our recipe, one for each seed."""
        name = f"{self.recipe.model}-{self.recipe.name}"
        return [Job(name, self.recipe, seed, self.lstm) for seed in self.seeds]

    def jobs_as_given(self) -> list[Job]:
        """Return fits by the paper's recipe to all training people, scored after every epoch."""
        recipe = replace(PAPER, model=self.recipe.model, validation_people=0)
        name = f"{recipe.model}-{recipe.name}"
        return [Job(name, recipe, seed, peek=True) for seed in self.as_given]


def _ours(model: str, epochs: int) -> Recipe:
    return replace(CAREFUL, model=model, epochs=epochs)


def _over_all_samples(model: str) -> Recipe:
    """Return a recipe of few epochs, because 128 steps are slow: faster learning, less dropout."""
    extras = replace(CAREFUL.extras, dropout=(0.2, 0.3))
    return replace(_ours(model, 8), learning_rate=0.005, extras=extras)


SUBJECTS = (
    Subject("CNN_LSTM", _ours("cnn_lstm", 40), published.CNN_LSTM, as_given=SEEDS, in_quick=True),
    Subject("CNN_LSTM_Dense", _ours("cnn_lstm_dense", 20), published.CNN_LSTM_DENSE),
    Subject("LSTM", _over_all_samples("lstm"), published.LSTM, lstm="fused", in_quick=True),
    Subject("LSTM_Dense", _over_all_samples("lstm_dense"), published.LSTM_DENSE, lstm="fused"),
    Subject("CNN_LSTM_GRU", _ours("cnn_lstm_gru", 20), published.CNN_LSTM_GRU),
    Subject("VGG_LSTM", _ours("vgg_lstm", 10), None),
)
