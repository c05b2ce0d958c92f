"""The numbers of the mounting estimate: part of a bundle, fitted on training people."""

from dataclasses import dataclass, fields
from typing import Any, Final, Self

from device.files.spec_fields import matching, number, numbers
from firmware_bridge.errors import InputError

KIND: Final = "walking"


@dataclass(frozen=True, slots=True)
class MountingSpec:
    """What turns walking into a rotation. Raises InputError when the numbers make no sense."""

    postures: tuple[str, ...]
    """Labels that cannot be told from each other until the mounting is known."""
    cadence_hz: tuple[float, float] = (1.2, 2.6)
    """Steps a second, slowest and fastest, that are walking."""
    effort_g: tuple[float, float] = (0.08, 0.8)
    """Body acceleration, rms over the window, least and most: less is rest, more is running."""
    bounce: float = 0.25
    """Least share of body acceleration's power that is along gravity, 0 to 1."""
    rhythm: float = 0.9
    """Least sum, to 2, of the correlation of |acc| with itself one step later and the negative one
    of angular rate."""
    slow_share: float = 0.3
    """Least share of the power of |acc| that is no faster than the fastest steps, 0 to 1."""
    memory_windows: float = 300.0
    """Walking windows after which old ones count 1/e."""
    enough_windows: float = 16.0
    """Walking windows that are enough, if they agree."""
    steady_gravity: float = 0.85
    """Length of the mean of unit gravity vectors, 0 to 1, at which the walks agree on nothing."""
    typical_rate_rad_s: float = 1.5
    """Angular rate of a walking wrist, rms over time, all axes: what the model was trained on."""
    typical_body_g: float = 0.3
    """Its body acceleration, likewise."""
    prior_windows: float = 2.0
    """Windows of typical walking that count beside the wearer's own."""
    outlier_deg: float = 50.0
    """What seems to be walking is not, or the strap was turned, if mean acceleration is off by
    more."""
    rival_windows: tuple[float, float] = (40.0, 120.0)
    """Windows of it that agree are another mounting, once it is known, if they are as many as those
    that speak for this one; at least and at most so many."""
    known_at: float = 0.8
    """From this confidence on, 0 to 1, the mounting is known …"""
    lost_at: float = 0.4
    """… and stays so until the confidence falls below this."""
    break_after_s: float = 600.0
    """A silence of this length may mean that the strap was taken off …"""
    break_keeps: float = 0.05
    """… so of what was seen before only this share still counts, 0 to 1."""

    def __post_init__(self) -> None:
        if not isinstance(self.postures, tuple) or not all(
            isinstance(label, str) for label in self.postures
        ):
            raise InputError("orientation: postures must be a list of labels")
        for name, (low, high) in _LIMITS.items():
            value, what = getattr(self, name), f"orientation: {name}"
            if name in _RANGES:
                least, most = numbers(what, value, 2, low, high)
                if least >= most:
                    raise InputError(f"{what} must be two numbers, the smaller one first")
            else:
                number(what, value, low, high)
        if self.lost_at > self.known_at:
            raise InputError("orientation: lost_at must not be above known_at")

    def to_dict(self) -> dict[str, Any]:
        """Return it as the manifest keeps it."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {name: list(value) for name, value in named.items() if isinstance(value, tuple)}
        return {"kind": KIND, **named, **lists}

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read what to_dict wrote; raises InputError on what is missing, unknown or senseless."""
        if not isinstance(values, dict) or values.get("kind") != KIND:
            raise InputError(f"orientation: must be null or of kind {KIND!r}; update edgehar")
        named = matching(cls, {key: values[key] for key in values if key != "kind"}, "orientation")
        lists = {key: tuple(value) for key, value in named.items() if isinstance(value, list)}
        return cls(**{**named, **lists})


_RANGES: Final = ("cadence_hz", "effort_g", "rival_windows")
_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "cadence_hz": (0.3, 5.0),
    "effort_g": (0.0, 10.0),
    "bounce": (0.0, 1.0),
    "rhythm": (-2.0, 2.0),
    "slow_share": (0.0, 1.0),
    "memory_windows": (1.0, 1e6),
    "enough_windows": (1.0, 1e6),
    "steady_gravity": (0.0, 0.999),
    "typical_rate_rad_s": (0.01, 100.0),
    "typical_body_g": (0.001, 100.0),
    "prior_windows": (0.001, 1e6),
    "outlier_deg": (1.0, 180.0),
    "rival_windows": (1.0, 1e6),
    "known_at": (0.0, 1.0),
    "lost_at": (0.0, 1.0),
    "break_after_s": (1.0, 1e7),
    "break_keeps": (0.0, 1.0),
}
