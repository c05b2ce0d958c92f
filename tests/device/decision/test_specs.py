"""The parameters in a bundle's manifest: read back as written, refused if they make no sense."""

import json

import pytest

from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError

Spec = SignalSpec | NonwearSpec | HmmSpec | DecisionSpec

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
def test_a_spec_survives_the_manifest(spec: Spec) -> None:
    assert type(spec).from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_an_older_bundle_without_change_is_read_as_without_effect() -> None:
    old = HMM.to_dict()
    del old["change"]
    assert HmmSpec.from_dict(old) == HmmSpec(HMM.transition, HMM.prior, HMM.weight, change=0.0)


ROWS = [[1, 0, 0], [0, 1, 0]]
WRONG: list[tuple[Spec, str, tuple[object, ...]]] = [
    (SIGNAL, "rate_hz", (None, "50", True, float("nan"), 1e9)),
    (SIGNAL, "window", (128.0, 100, -128)),
    (SIGNAL, "hop", (0,)),
    (SIGNAL, "gravity_order", (0,)),
    (SIGNAL, "noise_order", (1_000_000,)),
    (SIGNAL, "noise_cutoff_hz", (25.0,)),
    (SIGNAL, "gravity_cutoff_hz", (21.0,)),
    (SIGNAL, "warm_up_s", (3.0,)),
    (SIGNAL, "max_gap_s", (float("inf"),)),
    (SIGNAL, "no_data_after_s", (0.1,)),
    (SIGNAL, "colour", (1,)),
    (HMM, "kind", ("median",)),
    (HMM, "prior", ([0.5, 0.5], [0.5, 0.5, 0.5], [1.0, 0.0, 0.0], "even", [])),
    (
        HMM,
        "transition",
        (ROWS, *([*ROWS, row] for row in ([0, 0.5, 0], [-1, 1, 1], 1, ["a", 0, 1]))),
    ),
    (HMM, "weight", (0, 1.01, True)),
    (HMM, "change", (-0.1, 1.01, "much")),
    (HMM, "lag", (2,)),
    (NONWEAR, "after_s", (0, 5)),
    (NONWEAR, "gyro_rad_s", ("0.1",)),
    (NONWEAR, "body_g", (True,)),
    (NONWEAR, "lag", (1,)),
]


@pytest.mark.parametrize(("spec", "name", "values"), WRONG)
def test_a_wrong_value_is_refused(spec: Spec, name: str, values: tuple[object, ...]) -> None:
    for value in values:
        with pytest.raises(InputError, match=rf"^(smoothing|worn|signal: .*{name})"):
            type(spec).from_dict({**spec.to_dict(), name: value})


def test_a_missing_field_and_what_is_no_table_are_refused() -> None:
    values = SIGNAL.to_dict()
    del values["hop"]
    with pytest.raises(InputError, match="hop is missing"):
        SignalSpec.from_dict(values)
    with pytest.raises(InputError, match="signal: must be a table"):
        SignalSpec.from_dict([1, 2])  # type: ignore[arg-type]  # possible in a manifest
    with pytest.raises(InputError, match="worn: must be a table"):
        NonwearSpec.from_dict(None)
