"""Turns a window's class probabilities into an activity, or into a reason for `unknown`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

from device.decision.decision import Reason
from device.decision.hmm_filter import HmmFilter, HmmSpec, tempered
from device.files.spec_fields import flag, matching, number

UNKNOWN = "unknown"
"""Name in `probabilities` of the output that stands for none of the classes."""
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class DecisionSpec:
    """Parameters of the decision, part of a bundle. Raises InputError if they are out of range."""

    unknown_threshold: float
    """0 to 1; below this probability of the best class the decision is `unknown`."""
    unknown_output: bool = False
    """The model has one more output than classes, the last: none of the classes."""
    temperature: float = 1.0
    """Above 1 the model's probabilities become less extreme, below 1 more; 1 changes nothing."""
    smoothing: HmmSpec | None = None
    softening: float = 1.0
    """Temperature of the smoothed belief, which is overconfident: the filter assumes independent
    windows."""

    def __post_init__(self) -> None:
        number("decision: unknown_threshold", self.unknown_threshold, 0, 1)
        number("decision: temperature", self.temperature, *TEMPERATURES)
        number("decision: softening", self.softening, *TEMPERATURES)
        flag("decision: unknown_output", self.unknown_output)

    def outputs(self, labels: Sequence[str]) -> int:
        """Return the number of the model's outputs."""
        return len(labels) + self.unknown_output

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters in the form of the manifest."""
        return {
            "smoothing": self.smoothing and self.smoothing.to_dict(),
            "unknown_output": self.unknown_output,
            "temperature": self.temperature,
            "softening": self.softening,
            "unknown_threshold": self.unknown_threshold,
        }

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read the form of `to_dict`; raises InputError on missing, unknown or invalid fields."""
        named = matching(cls, values, "decision")
        smoothing = named.pop("smoothing")
        return cls(smoothing=None if smoothing is None else HmmSpec.from_dict(smoothing), **named)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judgement of one window."""

    activity: str | None
    reason: Reason | None
    """Why there is no activity; None if there is one."""
    likeliest: str
    """The most probable class, even if it does not become the activity."""
    confidence: float
    """Smoothed probability of `likeliest`."""
    probabilities: dict[str, float]
    """By output, of this window alone."""


class Judge:
    """Judges the windows of one stream, one after another."""

    def __init__(
        self, labels: Sequence[str], spec: DecisionSpec, postures: Collection[str] = ()
    ) -> None:
        """Take `postures`: the classes that need a known mounting."""
        self._labels = list(labels)
        self._names = [*labels, UNKNOWN] if spec.unknown_output else self._labels
        self._spec = spec
        self._postures = frozenset(postures)
        self._filter = None if spec.smoothing is None else HmmFilter(spec.smoothing)

    def reset(self) -> None:
        """Start again from the prior, as after a gap in the stream."""
        if self._filter is not None:
            self._filter.reset()

    def judge(self, row: list[float], *, mounted: bool) -> Judgement:
        """Judge the next window by the model's output; `mounted`: the mounting is known."""
        spec = self._spec
        row = tempered(row, spec.temperature)
        belief = row if self._filter is None else self._filter.step(row)
        belief = tempered(belief, spec.softening)
        best = max(range(len(self._labels)), key=belief.__getitem__)
        label = self._labels[best]
        reason: Reason | None = None
        if spec.unknown_output and belief[-1] > belief[best]:
            reason = "unfamiliar"
        elif not mounted and label in self._postures:
            reason = "mounting"
        elif belief[best] < spec.unknown_threshold:
            reason = "unsure"
        return Judgement(
            activity=None if reason else label,
            reason=reason,
            likeliest=label,
            confidence=belief[best],
            probabilities=dict(zip(self._names, row, strict=True)),
        )
