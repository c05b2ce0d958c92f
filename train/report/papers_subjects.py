"""The networks in the papers' report; a line each."""

from dataclasses import dataclass, replace

from train.networks.recipes import CAREFUL, PAPER, Recipe
from train.report import papers_published as published
from train.report.fits import Job
from train.report.papers_published import Published

SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Subject:
    """A network, how we train it, and what its paper says of it."""

    title: str
    recipe: Recipe
    published: Published | None
    lstm: str = "unrolled"
    """How TFLite runs its LSTM: 128 unrolled steps would be too large."""
    seeds: tuple[int, ...] = SEEDS
    as_given: tuple[int, ...] = ()
    """Seeds to train it with as its paper says, too."""
    in_quick: bool = False
    """One of each kind is enough to see that the report works."""

    def jobs(self) -> list[Job]:
        """Take our recipe, with every seed."""
        name = f"{self.recipe.model}-{self.recipe.name}"
        return [Job(name, self.recipe, seed, self.lstm) for seed in self.seeds]

    def jobs_as_given(self) -> list[Job]:
        """Take the paper's recipe, on all training people, and record every epoch."""
        recipe = replace(PAPER, model=self.recipe.model, validation_people=0)
        name = f"{recipe.model}-{recipe.name}"
        return [Job(name, recipe, seed, peek=True) for seed in self.as_given]


def _ours(model: str, epochs: int) -> Recipe:
    return replace(CAREFUL, model=model, epochs=epochs)


def _over_all_samples(model: str) -> Recipe:
    """Learn faster and drop less: with 128 steps, there is time for few epochs only."""
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
