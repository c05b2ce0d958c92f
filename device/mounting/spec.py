"""Parameters of the mounting estimate: part of a bundle, fitted on training people."""

from dataclasses import dataclass, fields
from typing import Any, Final, Self

from device.files.spec_fields import matching, number, numbers
from firmware_bridge.errors import InputError

KIND: Final = "walking"


@dataclass(frozen=True, slots=True)
class MountingSpec:
    """Parameters of the estimate from walking. Raises InputError if they are out of range."""

    postures: tuple[str, ...]
    """Classes that cannot be separated until the mounting is known."""
    cadence_hz: tuple[float, float] = (1.2, 2.6)
    """Slowest and fastest step rate of walking."""
    effort_g: tuple[float, float] = (0.08, 0.8)
    """Smallest and largest body acceleration of walking, rms: below is rest, above is running."""
    bounce: float = 0.25
    """Smallest share of the power of body acceleration along gravity, 0 to 1."""
    rhythm: float = 0.9
    """Smallest sum, up to 2, of the autocorrelation of |acc| at a lag of one step and the negated
    autocorrelation of angular rate."""
    slow_share: float = 0.3
    """Smallest share of the power of |acc| at or below the fastest step rate, 0 to 1."""
    memory_windows: float = 300.0
    """Number of walking windows after which a window's weight has fallen to 1/e."""
    enough_windows: float = 16.0
    """Number of walking windows that suffice if they agree."""
    steady_gravity: float = 0.85
    """Length of the mean of unit gravity vectors, 0 to 1, that means no agreement at all."""
    typical_rate_rad_s: float = 1.5
    """Angular rate of a walking wrist in the training data: rms over time, all axes."""
    typical_body_g: float = 0.3
    """Body acceleration of a walking wrist in the training data: rms over time, all axes."""
    prior_windows: float = 2.0
    """Weight of typical walking beside the wearer's own, in windows."""
    outlier_deg: float = 50.0
    """If the mean acceleration of a walking window is off by more, the wearer does not walk or the
    strap was turned."""
    rival_windows: tuple[float, float] = (40.0, 120.0)
    """A rival mounting replaces a known one if as many windows agree on it as on the known one, but
    at least and at most these numbers."""
    known_at: float = 0.8
    """At this confidence, 0 to 1, the mounting becomes known …"""
    lost_at: float = 0.4
    """… and stays known until the confidence falls below this."""
    break_after_s: float = 600.0
    """After a gap of this length the strap may have been taken off …"""
    break_keeps: float = 0.05
    """… so earlier windows keep only this share of their weight, 0 to 1."""

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
        """Return the parameters in the form of the manifest."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {name: list(value) for name, value in named.items() if isinstance(value, tuple)}
        return {"kind": KIND, **named, **lists}

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Read the form of `to_dict`; raises InputError on missing, unknown or invalid fields."""
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
