"""From the model's output for a window to what is said of it: an activity, or why not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

from device.decision.decision import Reason
from device.decision.hmm_filter import HmmFilter, HmmSpec, tempered
from device.files.spec_fields import flag, matching, number

UNKNOWN = "unknown"
"""What the output that stands for none of the labels is called in `probabilities`."""
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class DecisionSpec:
    """The decision's part of a bundle. Raises InputError when the numbers make no sense."""

    unknown_threshold: float
    """0 to 1; a best label less probable than this is not said."""
    unknown_output: bool = False
    """The model has one output more than labels, the last: none of these."""
    temperature: float = 1.0
    """Above 1 makes the model's probabilities less sure, below 1 surer; 1 leaves them."""
    smoothing: HmmSpec | None = None
    softening: float = 1.0
    """A temperature for what smoothing gives: it takes windows for independent, and is too sure."""

    def __post_init__(self) -> None:
        number("decision: unknown_threshold", self.unknown_threshold, 0, 1)
        number("decision: temperature", self.temperature, *TEMPERATURES)
        number("decision: softening", self.softening, *TEMPERATURES)
        flag("decision: unknown_output", self.unknown_output)

    def outputs(self, labels: Sequence[str]) -> int:
        """Return how many outputs the model has."""
        return len(labels) + self.unknown_output

    def to_dict(self) -> dict[str, Any]:
        """Return it as the manifest keeps it."""
        return {
            "smoothing": self.smoothing and self.smoothing.to_dict(),
            "unknown_output": self.unknown_output,
            "temperature": self.temperature,
            "softening": self.softening,
            "unknown_threshold": self.unknown_threshold,
        }

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read what to_dict wrote; raises InputError on what is missing, unknown or senseless."""
        named = matching(cls, values, "decision")
        smoothing = named.pop("smoothing")
        return cls(smoothing=None if smoothing is None else HmmSpec.from_dict(smoothing), **named)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one window."""

    activity: str | None
    reason: Reason | None
    """Why there is no activity; null where there is one."""
    likeliest: str
    """The label that confidence is of, said or not."""
    confidence: float
    probabilities: dict[str, float]


class Judge:
    """One stream's verdicts, window by window."""

    def __init__(
        self, labels: Sequence[str], spec: DecisionSpec, postures: Collection[str] = ()
    ) -> None:
        """Take `postures`: the labels that cannot be told while the mounting is not known."""
        self._labels = list(labels)
        self._names = [*labels, UNKNOWN] if spec.unknown_output else self._labels
        self._spec = spec
        self._postures = frozenset(postures)
        self._filter = None if spec.smoothing is None else HmmFilter(spec.smoothing)

    def reset(self) -> None:
        """Begin anew, as after a hole in the stream."""
        if self._filter is not None:
            self._filter.reset()

    def judge(self, row: list[float], *, mounted: bool) -> Judgement:
        """Take the model's output for the next window, and whether the mounting is known."""
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
