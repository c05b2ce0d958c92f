"""The parameters in a bundle's manifest: read back as written, refused if they make no sense."""

import json
from typing import Any

import pytest

from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError

HMM = HmmSpec(((0.9, 0.05, 0.05), (0.2, 0.8, 0.0), (0.0, 0.5, 0.5)), (0.5, 0.3, 0.2), 0.6, 0.3)
SIGNAL, NONWEAR = SignalSpec(), NonwearSpec(doubt_after_s=6.4, after_s=12.8, knock_s=4.0)


@pytest.mark.parametrize(
    "spec",
    [
        SIGNAL,
        SignalSpec(rate_hz=25, window=64, hop=32, noise_cutoff_hz=10, warm_up_s=5.12),
        NONWEAR,
        HMM,
        DecisionSpec(0.35, True, 1.7, HMM, 1.2),
        DecisionSpec(0.35, True, 1.7),
    ],
)
def test_a_spec_survives_the_manifest(
    spec: SignalSpec | NonwearSpec | HmmSpec | DecisionSpec,
) -> None:
    assert type(spec).from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_an_older_bundle_without_change_is_read_as_without_effect() -> None:
    old = HMM.to_dict()
    del old["change"]
    assert HmmSpec.from_dict(old) == HmmSpec(HMM.transition, HMM.prior, HMM.weight, change=0.0)


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
def test_a_wrong_signal_value_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"signal: .*{next(iter(change))}"):
        SignalSpec.from_dict(SIGNAL.to_dict() | change)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "median"},
        {"prior": [0.5, 0.5]},
        {"prior": [0.5, 0.5, 0.5]},
        {"prior": [1.0, 0.0, 0.0]},
        {"prior": "even"},
        {"prior": []},
        {"transition": [[1, 0, 0], [0, 1, 0]]},
        {"transition": [[1, 0, 0], [0, 1, 0], [0, 0.5, 0]]},
        {"transition": [[1, 0, 0], [0, 1, 0], [-1, 1, 1]]},
        {"transition": [[1, 0, 0], [0, 1, 0], 1]},
        {"transition": [[1, 0, 0], [0, 1, 0], ["a", 0, 1]]},
        {"weight": 0},
        {"weight": 1.01},
        {"weight": True},
        {"change": -0.1},
        {"change": 1.01},
        {"change": "much"},
        {"lag": 2},
    ],
)
def test_a_wrong_smoothing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="smoothing"):
        HmmSpec.from_dict({**HMM.to_dict(), **change})


@pytest.mark.parametrize(
    "change",
    [{"after_s": 0}, {"after_s": 5}, {"gyro_rad_s": "0.1"}, {"body_g": True}, {"lag": 1}],
)
def test_a_wrong_nonwear_value_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="worn"):
        NonwearSpec.from_dict({**NONWEAR.to_dict(), **change})


def test_a_missing_field_and_what_is_no_table_are_refused() -> None:
    values = SIGNAL.to_dict()
    del values["hop"]
    with pytest.raises(InputError, match="hop is missing"):
        SignalSpec.from_dict(values)
    with pytest.raises(InputError, match="signal: must be a table"):
        SignalSpec.from_dict([1, 2])  # type: ignore[arg-type]  # possible in a manifest
    with pytest.raises(InputError, match="worn: must be a table"):
        NonwearSpec.from_dict(None)
