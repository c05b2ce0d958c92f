import json
from typing import Any

import pytest

from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError

WRIST = SignalSpec(rate_hz=25, window=64, hop=32, noise_cutoff_hz=10, warm_up_s=5.12)


@pytest.mark.parametrize("spec", [SignalSpec(), WRIST])
def test_survives_the_manifest(spec: SignalSpec) -> None:
    assert SignalSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    "change",
    [
        {"rate_hz": None},
        {"rate_hz": "50"},
        {"rate_hz": True},
        {"rate_hz": float("nan")},
        {"rate_hz": 1e9},
        {"window": 128.0},
        {"window": 100},
        {"window": -128},
        {"hop": 0},
        {"gravity_order": 0},
        {"noise_order": 1_000_000},
        {"noise_cutoff_hz": 25.0},
        {"gravity_cutoff_hz": 21.0},
        {"warm_up_s": 3.0},
        {"max_gap_s": float("inf")},
        {"no_data_after_s": 0.1},
        {"colour": 1},
    ],
)
def test_a_senseless_manifest_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        SignalSpec.from_dict(SignalSpec().to_dict() | change)
    assert next(iter(change)) in str(caught.value)


def test_a_missing_number_is_named() -> None:
    values = SignalSpec().to_dict()
    del values["hop"]
    with pytest.raises(InputError, match="hop is missing"):
        SignalSpec.from_dict(values)


def test_not_a_table() -> None:
    with pytest.raises(InputError, match="table"):
        SignalSpec.from_dict([1, 2])  # type: ignore[arg-type]  # what a manifest may hold
