"""Smoothing of decisions over time: the forward filter of a hidden Markov model.

The states are the model's outputs, a step is a window. Causal, so nothing is delayed but by the
evidence that a change needs (Rabiner 1989, the forward procedure of section III.A, with a
classifier's posterior over its prior in place of the likelihood).

Windows are not independent, as that model has it: they overlap, and a classifier that errs does so
for a while. What it says again is weak evidence, what it says otherwise than before is strong, as
where noise is a first-order autoregression; so each has an exponent of its own.
"""

from dataclasses import asdict, dataclass
from operator import mul
from typing import Any, Self

from device.files.spec_fields import matching, number, numbers
from firmware_bridge.errors import InputError

FLOOR = 1 / 512
"""A probability below this counts as this: int8 output has steps of 1/256, and one window whose 0
only means `less than half a step` must not rule a state out for good."""
_MOST_STATES = 65
_LEAST_PRIOR = 1e-4
_OFF = 1e-6


@dataclass(frozen=True, slots=True)
class HmmSpec:
    """The numbers of the filter. Raises InputError when they make no sense."""

    transition: tuple[tuple[float, ...], ...]
    """(S, S): probability of the column's state one hop after the row's; rows sum to 1."""
    prior: tuple[float, ...]
    """(S,): before the first window; it is also what the model's probabilities are divided by."""
    weight: float
    """Above 0, to 1: exponent of a window's likelihood, for overlapping windows repeat evidence."""
    change: float = 0.0
    """0 to 1: exponent of its ratio to the likelihood of the window before."""

    def __post_init__(self) -> None:
        states = len(self.prior) if isinstance(self.prior, tuple) else 0
        if not 2 <= states <= _MOST_STATES:
            raise InputError(f"smoothing: prior must be a list of 2 to {_MOST_STATES} numbers")
        prior = numbers("smoothing: prior", self.prior, states, _LEAST_PRIOR, 1)
        if not isinstance(self.transition, tuple) or len(self.transition) != states:
            raise InputError(f"smoothing: transition must have {states} rows, as prior has numbers")
        rows = [numbers("smoothing: transition", row, states, 0, 1) for row in self.transition]
        if any(abs(sum(row) - 1) > _OFF for row in (prior, *rows)):
            raise InputError("smoothing: prior and each row of transition must sum to 1")
        if number("smoothing: weight", self.weight, 0, 1) == 0:
            raise InputError("smoothing: weight is 0, then no window would count")
        number("smoothing: change", self.change, 0, 1)

    @property
    def states(self) -> int:
        """How many there are."""
        return len(self.prior)

    def to_dict(self) -> dict[str, Any]:
        """Return it as the manifest keeps it."""
        named = asdict(self)
        named["transition"] = [list(row) for row in self.transition]
        return {"kind": "hmm", **named, "prior": list(self.prior)}

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read what to_dict wrote; raises InputError on what is missing, unknown or senseless.

        Bundles from before there was `change` do without.
        """
        if not isinstance(values, dict) or values.get("kind") != "hmm":
            raise InputError("smoothing: must be null or of kind 'hmm'; update edgehar")
        given = {"change": 0.0, **{key: values[key] for key in values if key != "kind"}}
        named = matching(cls, given, "smoothing")
        rows = named["transition"] if isinstance(named["transition"], list) else []
        transition = tuple(tuple(row) if isinstance(row, list) else () for row in rows)
        prior = named["prior"] if isinstance(named["prior"], list) else []
        return cls(transition, tuple(prior), named["weight"], named["change"])


class HmmFilter:
    """One stream's belief about the state. Plain floats in a fixed order: the same everywhere."""

    def __init__(self, smoothing: HmmSpec) -> None:
        self._into = list(zip(*smoothing.transition, strict=True))
        self._prior = list(smoothing.prior)
        self._weight, self._change = smoothing.weight, smoothing.change
        self.reset()

    def reset(self) -> None:
        """Forget all windows."""
        self._belief = self._said = self._prior

    def step(self, row: list[float]) -> list[float]:
        """Take the probabilities (S,) of the next window; return those of the states now."""
        said = [max(p, FLOOR) for p in row]
        joint = [
            sum(map(mul, self._belief, column))
            * (p / prior) ** self._weight
            * (p / before) ** self._change
            for p, before, prior, column in zip(
                said, self._said, self._prior, self._into, strict=True
            )
        ]
        self._said = said
        total = sum(joint)
        self._belief = [value / total for value in joint]
        return self._belief


def tempered(row: list[float], temperature: float) -> list[float]:
    """Return probabilities p as p^(1/temperature), normalised; 1 leaves them as they are."""
    if temperature == 1:
        return row
    power = 1 / temperature
    raised = [max(p, FLOOR) ** power for p in row]
    total = sum(raised)
    return [value / total for value in raised]
