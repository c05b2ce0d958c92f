"""Makes a flatbuffer or a bundle of a run or of a Keras model."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convert import runtime_process
from convert.card import card
from convert.conversion_process import Converted, convert
from convert.run_folder import Run
from convert.verify import Check, verify
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.model import manifest
from device.mounting.spec import MountingSpec
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError

UNKNOWN_THRESHOLD: Final = 0.4
_ELSEWHERE: Final = (
    *("history", "labels", "signal", "decision", "orientation", "worn", "mounting", "tools"),
)
"""Keys of a run's config that the manifest holds elsewhere."""
_TOOLS: Final = ("edgehar", "keras", "numpy", "tensorflow")


@dataclass(frozen=True, slots=True)
class Terms:
    """A bundle's name, mounting and parameters of decisions."""

    name: str
    mounting: str
    """Text: who wears the sensor, where, and with which axes."""
    decision: DecisionSpec
    orientation: MountingSpec | None
    worn: NonwearSpec | None


MOUNTINGS: Final = {
    "waist": "Healthy adults from 19 to 48 years with the sensor firmly on the belt, at the side "
    "or front of the waist. Standing upright, the accelerometer's x axis points up and reads "
    "about +1 g; y and z lie level."
}


def terms_of(
    run: Run, name: str, mounting: str | None = None, unknown_threshold: float | None = None
) -> Terms:
    """Return the terms of a run's config; arguments override them. Raises InputError."""
    config = run.config
    mounting = mounting or config.get("mounting") or MOUNTINGS.get(name)
    if not isinstance(mounting, str):
        raise InputError(f"no mounting is known for {name!r}; give --mounting")
    decision = config.get("decision") or {}
    orientation = config.get("orientation")
    # Non-wear depends on the sensor more than on the model, so a run's config may omit it.
    worn = config.get("worn", NonwearSpec().to_dict())
    if not isinstance(decision, dict):
        raise InputError("decision: must be a table of names and values; train again")
    full = {**DecisionSpec(UNKNOWN_THRESHOLD).to_dict(), **decision}
    if unknown_threshold is not None:
        full["unknown_threshold"] = unknown_threshold
    return Terms(
        name,
        mounting,
        DecisionSpec.from_dict(full),
        None if orientation is None else MountingSpec.from_dict(orientation),
        None if worn is None else NonwearSpec.from_dict(worn),
    )


def export(model: Any, representative: NDArray[np.float32], form: str = "int8") -> bytes:
    """Return the flatbuffer of a Keras model or .keras file, unverified; raises ConvertError."""
    converted, _ = convert(model, representative, [(form, "unrolled")])
    return converted[0].flatbuffer


def convert_run(
    run: Run, form: str = "int8", input_range: float | None = None
) -> tuple[Converted, Check]:
    """Convert a run's model and verify it on its test windows; raises ConvertError."""
    variants = [(form, "unrolled")]
    converted, reference = convert(run.model, run.representative, variants, input_range, run.x)
    return converted[0], verify(converted[0], reference, run.x, run.y)


def make_bundle(
    run: Run, converted: Converted, check: Check, terms: Terms
) -> tuple[manifest.Manifest, str]:
    """Return manifest and card of a converted run; raises InputError on wrong outputs."""
    labels: Sequence[str] = run.config["labels"]
    spec = SignalSpec.from_dict(run.config.get("signal") or SignalSpec().to_dict())
    windows = synthetic_windows(spec)
    runtime = next(iter(check.runtimes))
    probabilities, quantisation = runtime_process.classify(converted.flatbuffer, windows, runtime)
    outputs = terms.decision.outputs(labels)
    if probabilities.shape[1] != outputs:
        raise InputError(
            f"the model has {probabilities.shape[1]} outputs, not the {outputs} of its config"
        )
    known = probabilities[:, : len(labels)]
    surest = int(known.max(1).argmax())
    data = run.config["data"]
    config = {key: value for key, value in run.config.items() if key not in _ELSEWHERE}
    full: manifest.Manifest = {
        "name": terms.name,
        "labels": list(labels),
        "signal": spec.to_dict(),
        "channels": list(manifest.CHANNELS),
        "units": list(manifest.UNITS),
        "decision": terms.decision.to_dict(),
        "orientation": terms.orientation and terms.orientation.to_dict(),
        "worn": terms.worn and terms.worn.to_dict(),
        "mounting": terms.mounting,
        "quantisation": {"form": converted.form, **quantisation},
        "training": {
            "data": data.get("title", data["name"]),
            "sha256": data["sha256"],
            "config": config,
        },
        "results": run.metrics,
        "conversion": check.to_dict(),
        "tools": {tool: version(tool) for tool in _TOOLS},
        "self_test": {
            "x": manifest.encode_window(windows[surest]),
            "activity": labels[int(known[surest].argmax())],
            "probabilities": [round(float(p), 6) for p in probabilities[surest]],
        },
    }
    return full, card(full)


def synthetic_windows(spec: SignalSpec) -> NDArray[np.float32]:
    """Return synthetic windows (12, window, 9) for self-tests, which hold no person's recording."""
    t_s = np.arange(spec.window) / spec.rate_hz
    swing = np.sin(2 * np.pi * 1.9 * t_s)
    windows = []
    for axis in np.concatenate([np.eye(3), -np.eye(3)]):
        for strength in (0.0, 0.3):
            body = strength * np.outer(swing, np.roll(axis, 1) + axis)
            gyro = 3 * strength * np.outer(np.roll(swing, 7), np.roll(axis, 2))
            windows.append(np.concatenate([axis + body, gyro, body], axis=1))
    return np.array(windows, np.float32)
