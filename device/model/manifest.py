"""Reads and checks a bundle's manifest (docs/BUNDLE.md)."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from device.decision.judge import UNKNOWN, DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.mounting.spec import MountingSpec
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError

SCHEMA: Final = 2
"""Written schema; schema 1, without smoothing and orientation, can still be read."""
CHANNELS: Final = (
    *("acc_x", "acc_y", "acc_z"),
    *("gyro_x", "gyro_y", "gyro_z"),
    *("body_acc_x", "body_acc_y", "body_acc_z"),
)
UNITS: Final = ("g",) * 3 + ("rad/s",) * 3 + ("g",) * 3

Manifest = dict[str, Any]
"""Parsed JSON; before `check` its values may be of any type."""

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestError(InputError):
    """A needed field of the manifest is missing or invalid; the message has no file name yet."""


def check(manifest: Manifest) -> None:
    """Raise ManifestError or InputError unless every field that a device needs is valid.

    Unknown fields are ignored, except in `signal`, `decision`, `orientation` and `worn`: there, an
    unknown field is a step that this version cannot do.
    """
    schema = manifest.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise ManifestError(f"made by a newer edgehar (schema {schema}); update edgehar")
    for path, (meaning, valid) in {**_REQUIRED, **(_ONLY_1 if schema == 1 else _ONLY_2)}.items():
        value: Any = manifest
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                raise ManifestError(f"the manifest lacks {path!r}")
            value = value[key]
        if not valid(value):
            raise ManifestError(f"the manifest has {path} = {_short(value)}, not {meaning}")
    spec = SignalSpec.from_dict(manifest["signal"])
    if len(decode_window(manifest["self_test"]["x"])) != spec.window * len(CHANNELS):
        raise ManifestError("the size of its self-test window does not match its signal path")
    worn_of(manifest)
    _check_outputs(manifest)


def _check_outputs(manifest: Manifest) -> None:
    labels, test = manifest["labels"], manifest["self_test"]
    decision, orientation = decision_of(manifest), orientation_of(manifest)
    outputs = decision.outputs(labels)
    if decision.unknown_output and UNKNOWN in labels:
        raise ManifestError(f"a label is {UNKNOWN!r}, the name of the last output")
    if decision.smoothing is not None and decision.smoothing.states != outputs:
        raise ManifestError(f"the size of its smoothing does not match its {outputs} outputs")
    if orientation is not None and not set(orientation.postures) <= set(labels):
        raise ManifestError("the postures of its orientation are not among its labels")
    if test["activity"] not in labels or len(test["probabilities"]) != outputs:
        raise ManifestError("its self-test does not match its labels")


def decision_of(manifest: Manifest) -> DecisionSpec:
    """Return the parameters of decisions; raises InputError."""
    decision = manifest["decision"]
    if manifest["schema"] == 1:
        return DecisionSpec(decision["unknown_threshold"])
    return DecisionSpec.from_dict(decision)


def orientation_of(manifest: Manifest) -> MountingSpec | None:
    """Return the estimate of the mounting; None: there is no estimate. Raises InputError."""
    values = manifest.get("orientation") if manifest["schema"] > 1 else None
    return None if values is None else MountingSpec.from_dict(values)


def worn_of(manifest: Manifest) -> NonwearSpec | None:
    """Return the detection of non-wear; None: there is none. Raises InputError."""
    values = manifest.get("worn") if manifest["schema"] > 1 else None
    return None if values is None else NonwearSpec.from_dict(values)


def parse(text: bytes) -> Manifest:
    """Read and check the bytes of a manifest.json; raises ManifestError or InputError."""
    try:
        manifest = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ManifestError("the manifest is not readable JSON") from error
    if not isinstance(manifest, dict):
        raise ManifestError("the manifest is not a JSON object")
    check(manifest)
    return manifest


def encode_window(x: NDArray[np.float32]) -> str:
    """Return the window's little-endian float32 values, row by row, in Base64."""
    return base64.b64encode(np.ascontiguousarray(x, "<f4").tobytes()).decode("ascii")


def decode_window(text: str) -> NDArray[np.float32]:
    """Return the flat float32 values of `encode_window`; raises ManifestError."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except (ValueError, binascii.Error) as error:
        raise ManifestError("its self-test window is damaged") from error
    if not np.isfinite(values).all():
        raise ManifestError("its self-test window has values that are not finite")
    return values


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in {int, float} and low <= value <= high


def _is_whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _are_labels(value: object) -> bool:
    if not isinstance(value, list) or not 2 <= len(value) <= 64:
        return False
    return all(map(_matches(_WORD), value)) and len(set(value)) == len(value)


def _are_probabilities(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_number(0.0, 1.0), value))


_OBJECT = ("an object", lambda value: isinstance(value, dict))
_TEXT = ("a text", lambda value: isinstance(value, str) and len(value) <= 10_000)
_QUANTISATION: Final = {
    "dtype": ("int8 or float32", lambda value: value in ("int8", "float32")),
    "scale": ("a scale from 0 up", _is_number(0.0, 1e6)),
    "zero_point": ("an int8 zero point", _is_whole(-128, 127)),
}
_Fields = dict[str, tuple[str, Callable[[Any], bool]]]
_REQUIRED: Final[_Fields] = {
    "schema": (f"a schema from 1 to {SCHEMA}", _is_whole(1, SCHEMA)),
    "name": ("a short lower-case name", _matches(_WORD)),
    "labels": ("2 to 64 distinct lower-case names", _are_labels),
    "signal": _OBJECT,
    "channels": (f"the order {', '.join(CHANNELS)}", lambda value: value == list(CHANNELS)),
    "units": (f"the units {', '.join(UNITS)}", lambda value: value == list(UNITS)),
    "decision": _OBJECT,
    "mounting": _TEXT,
    "flatbuffer.length": ("a length in bytes", _is_whole(8, 64 << 20)),
    "flatbuffer.sha256": ("a SHA-256 in hex", _matches(_SHA256)),
    "quantisation.form": _TEXT,
    **{f"quantisation.input.{name}": valid for name, valid in _QUANTISATION.items()},
    **{f"quantisation.output.{name}": valid for name, valid in _QUANTISATION.items()},
    "training": _OBJECT,
    "training.data": _TEXT,
    "training.sha256": _TEXT,
    "results": _OBJECT,
    "conversion": _OBJECT,
    "tools": _OBJECT,
    "self_test.x": _TEXT,
    "self_test.activity": _TEXT,
    "self_test.probabilities": ("numbers from 0 to 1", _are_probabilities),
}
_ONLY_1: Final[_Fields] = {
    "decision.smoothing": ("'none', all that schema 1 can do", lambda value: value == "none"),
    "decision.unknown_threshold": ("a number from 0 to 1", _is_number(0.0, 1.0)),
}
_ONLY_2: Final[_Fields] = {
    "orientation": ("null or an object", lambda value: value is None or isinstance(value, dict))
}
