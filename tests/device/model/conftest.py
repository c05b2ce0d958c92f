"""A complete manifest for a model that is only bytes, since no test runs it; an empty store."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.decision.judge import DecisionSpec
from device.model import manifest as manifests
from device.model.store import Store
from device.signal.spec import SignalSpec

FLATBUFFER = b"\x1c\0\0\0TFL3" + np.random.default_rng(0).bytes(300)
CARD = "# waist\n\nWörn at the waist.\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A manifest without the fields that `pack` adds."""
    labels = ["walking", "sitting", "lying"]
    rng = np.random.default_rng(1)
    ends = {"dtype": "int8", "scale": 0.02, "zero_point": -1}
    return {
        "name": "waist",
        "labels": labels,
        "signal": SignalSpec().to_dict(),
        "channels": list(manifests.CHANNELS),
        "units": list(manifests.UNITS),
        "decision": DecisionSpec(0.4).to_dict(),
        "orientation": None,
        "mounting": "on the belt",
        "quantisation": {"form": "int8", "input": ends, "output": ends},
        "training": {"data": "UCI HAR", "sha256": "ab" * 32},
        "results": {},
        "conversion": {},
        "tools": {"tensorflow": "2.21.0"},
        "self_test": {
            "x": manifests.encode_window(rng.normal(size=(128, 9)).astype(np.float32)),
            "activity": "sitting",
            "probabilities": [0.1, 0.7, 0.2],
        },
    }
