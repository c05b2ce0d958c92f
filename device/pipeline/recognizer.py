"""Recognizer: the whole path from samples to decisions, for a Python program."""

from collections.abc import Sequence
from pathlib import Path

from device.decision.decision import Decision
from device.model.bundle import Bundle, load, locate
from device.model.classifier import Classifier, self_test
from device.pipeline.pipeline import Pipeline
from firmware_bridge.samples import Float64, Samples


def load_bundle(model: str | Path) -> Bundle:
    """Load a shipped model by its name, or a bundle by its path, and run its self-test.

    Raises BundleError.
    """
    bundle = load(locate(model))
    self_test(bundle)
    return bundle


class Recognizer:
    """One stream of one wearer. Any chunking of the same samples gives bit-identical decisions."""

    def __init__(
        self,
        model: str | Path | Bundle = "wrist",
        rotation: Sequence[Sequence[float]] | Float64 | None = None,
    ) -> None:
        """Take a model and, if known, the mounting: a rotation (3, 3) from sensor to wrist axes.

        Without `rotation` a model such as `wrist` estimates the mounting while the wearer walks.
        Raises BundleError, InputError.
        """
        self.bundle = model if isinstance(model, Bundle) else load_bundle(model)
        self._pipeline = Pipeline(self.bundle, Classifier(self.bundle).probabilities, rotation)

    @property
    def counts(self) -> dict[str, int]:
        """Counts of samples, of dropped samples by reason, and of decisions by state."""
        return self._pipeline.counts

    def push(self, samples: Samples) -> list[Decision]:
        """Take a block of any length; return the decisions that it completes, in order of time."""
        return self._pipeline.push(samples)
