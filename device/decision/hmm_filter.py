"""HMM filter: smooths a window's probabilities over time by the forward algorithm.

The states are the model's outputs, one step is one window. The filter is causal: a change is
delayed only until there is enough evidence for it (Rabiner 1989, the forward procedure of section
III.A, with a classifier's posterior divided by its prior in place of the likelihood).

The algorithm assumes independent windows, but windows overlap and a classifier's errors persist.
Repeating the previous output is weak evidence; a change is strong, as with first-order
autoregressive noise. Each gets its own exponent.
"""

from dataclasses import asdict, dataclass
from operator import mul
from typing import Any, Self

from device.files.spec_fields import matching, number, numbers
from firmware_bridge.errors import InputError

FLOOR = 1 / 512
"""Smallest probability of an output. int8 outputs have steps of 1/256, so 0 means less than half a
step, and one such window must not exclude a state for ever."""
_MOST_STATES = 65
_LEAST_PRIOR = 1e-4
_OFF = 1e-6


@dataclass(frozen=True, slots=True)
class HmmSpec:
    """Parameters of the filter. Raises InputError if they are out of range."""

    transition: tuple[tuple[float, ...], ...]
    """(S, S): probability of the column's state one hop after the row's state; rows sum to 1."""
    prior: tuple[float, ...]
    """(S,): belief before the first window, and divisor of the model's probabilities."""
    weight: float
    """Above 0, to 1: exponent of a window's likelihood. Overlapping windows repeat evidence."""
    change: float = 0.0
    """0 to 1: exponent of the ratio of the likelihood to that of the window before."""

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
            raise InputError("smoothing: weight must be above 0, or no window would count")
        number("smoothing: change", self.change, 0, 1)

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.prior)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters in the form of the manifest."""
        named = asdict(self)
        named["transition"] = [list(row) for row in self.transition]
        return {"kind": "hmm", **named, "prior": list(self.prior)}

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read the form of `to_dict`; raises InputError on missing, unknown or invalid fields.

        Older bundles lack `change`, which is then 0.
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
    """Belief about the state of one stream. Plain floats in fixed order: same bits everywhere."""

    def __init__(self, smoothing: HmmSpec) -> None:
        self._into = list(zip(*smoothing.transition, strict=True))
        self._prior = list(smoothing.prior)
        self._weight, self._change = smoothing.weight, smoothing.change
        self.reset()

    def reset(self) -> None:
        """Forget all windows."""
        self._belief = self._last = self._prior

    def step(self, row: list[float]) -> list[float]:
        """Take the probabilities (S,) of the next window; return the belief (S,) after it."""
        floored = [max(p, FLOOR) for p in row]
        joint = [
            sum(map(mul, self._belief, column))
            * (p / prior) ** self._weight
            * (p / before) ** self._change
            for p, before, prior, column in zip(
                floored, self._last, self._prior, self._into, strict=True
            )
        ]
        self._last = floored
        total = sum(joint)
        self._belief = [value / total for value in joint]
        return self._belief


def tempered(row: list[float], temperature: float) -> list[float]:
    """Return the probabilities p as p^(1/temperature), normalised; temperature 1 changes none."""
    if temperature == 1:
        return row
    power = 1 / temperature
    raised = [max(p, FLOOR) ** power for p in row]
    total = sum(raised)
    return [value / total for value in raised]
