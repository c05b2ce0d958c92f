"""Required, invalid and unknown fields of a manifest."""

import json
from typing import Any

import numpy as np
import pytest

from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.model import manifest as manifests
from device.model.bundle import BundleError, pack, parse
from device.model.manifest import _REQUIRED
from device.mounting.spec import MountingSpec
from tests.device.model.bundles import complete, packed_unchecked
from tests.device.model.conftest import CARD, FLATBUFFER

Manifest = dict[str, Any]
DECISION = DecisionSpec(0.4).to_dict()


def smoothing(states: int) -> Manifest:
    rest = 0.1 / (states - 1)
    rows = [[0.9 if i == j else rest for j in range(states)] for i in range(states)]
    return {"kind": "hmm", "transition": rows, "prior": [1 / states] * states, "weight": 0.5}


def test_a_newer_schema_asks_for_an_update_before_anything_else(manifest: Manifest) -> None:
    for newer in ({"schema": 3, "future": True}, {**complete(manifest), "schema": 7}):
        with pytest.raises(BundleError, match=r"newer edgehar.*update"):
            parse(packed_unchecked(newer))


@pytest.mark.parametrize("path", sorted(_REQUIRED))
def test_each_missing_field_is_named(manifest: Manifest, path: str) -> None:
    # A deep copy: input and output share one object in the fixture.
    full = json.loads(json.dumps(complete(manifest)))
    *above, last = path.split(".")
    place = full
    for key in above:
        place = place[key]
    del place[last]
    with pytest.raises(BundleError, match=f"lacks '{path}'"):
        parse(packed_unchecked(full))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 0},
        {"schema": True},
        {"name": "../etc/passwd"},
        {"labels": ["walking", "walking", "lying"]},
        {"labels": ["walking"]},
        {"labels": ["walking", "sit ting", "lying"]},
        {"labels": ["walking", "lying"]},
        {"channels": ["gyro_x"] * 9},
        {"units": ["m/s²"] * 9},
        {"decision": {**DECISION, "smoothing": "none"}},
        {"decision": {**DECISION, "smoothing": {"kind": "median"}}},
        {"decision": {**DECISION, "smoothing": smoothing(2)}},
        {"decision": {**DECISION, "unknown_output": True}},
        {"decision": {**DECISION, "unknown_output": 0}},
        {"decision": {**DECISION, "temperature": 0}},
        {"decision": {**DECISION, "temperature": "warm"}},
        {"decision": {**DECISION, "unknown_threshold": 1.5}},
        {"decision": {**DECISION, "unknown_threshold": True}},
        {"decision": {key: DECISION[key] for key in DECISION if key != "temperature"}},
        {"decision": []},
        {"orientation": "walking"},
        {"worn": {}},
        {"worn": "yes"},
        {"worn": {**NonwearSpec().to_dict(), "after_s": 0}},
        {"orientation": {}},
        {"orientation": {**MountingSpec(("sitting",)).to_dict(), "kind": "dancing"}},
        {"orientation": MountingSpec(("cycling",)).to_dict()},
        {"orientation": {**MountingSpec(("sitting",)).to_dict(), "known_at": [1]}},
        {"orientation": {**MountingSpec(("sitting",)).to_dict(), "postures": 3}},
        {"signal": {}},
        {"signal": {"rate_hz": 50.0}},
        {"self_test": {"x": "!", "activity": "lying", "probabilities": [0, 0, 1]}},
        {"self_test": {"x": "AAAA", "activity": "lying", "probabilities": [0, 0, 1]}},
        {"self_test": {"x": "AAAAAA==", "activity": "lying", "probabilities": [0, 0, 1]}},
        {"flatbuffer": {"length": 10**30, "sha256": "00" * 32}},
    ],
)
def test_an_invalid_manifest_is_refused(manifest: Manifest, change: Manifest) -> None:
    with pytest.raises(BundleError) as caught:
        parse(packed_unchecked({**complete(manifest), **change}))
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("part", ["signal", "decision", "orientation", "worn"])
def test_an_unknown_step_is_refused(manifest: Manifest, part: str) -> None:
    manifest["orientation"] = MountingSpec(("sitting",)).to_dict()
    manifest["worn"] = NonwearSpec().to_dict()
    manifest[part]["detrend"] = True
    with pytest.raises(BundleError, match="detrend"):
        pack(FLATBUFFER, manifest, CARD)


def test_smoothing_and_mounting_are_read_as_they_were_written(manifest: Manifest) -> None:
    filtered = DecisionSpec(0.5, True, 1.4, HmmSpec.from_dict(smoothing(4)))
    finds = MountingSpec(("sitting", "lying"), known_at=0.7)
    manifest["decision"], manifest["orientation"] = filtered.to_dict(), finds.to_dict()
    manifest["self_test"]["probabilities"] = [0.1, 0.6, 0.2, 0.1]
    bundle = parse(pack(FLATBUFFER, manifest, CARD))
    assert (bundle.decision, bundle.orientation) == (filtered, finds)
    labels = ["unknown", *bundle.labels[1:]]
    with pytest.raises(BundleError, match="last output"):
        pack(FLATBUFFER, {**manifest, "labels": labels}, CARD)


def test_schema_1_can_still_be_read(manifest: Manifest) -> None:
    old: Manifest = {**complete(manifest), "schema": 1}
    old["decision"] = {"smoothing": "none", "unknown_threshold": 0.3, "note": "kept"}
    del old["orientation"]
    bundle = parse(packed_unchecked(old))
    assert (bundle.decision, bundle.orientation) == (DecisionSpec(0.3), None)
    for terms in ({"smoothing": None, "unknown_threshold": 0.3}, {"smoothing": "none"}):
        with pytest.raises(BundleError, match=r"decision\."):
            parse(packed_unchecked({**old, "decision": terms}))


def test_other_unknown_fields_are_ignored(manifest: Manifest) -> None:
    manifest["colour"] = "green"
    assert complete(manifest)["colour"] == "green"


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"{",
        b"\xff\xfe{}",
        b"[" * 200_000,
        b'{"schema": NaN}',
        b'{"schema": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_manifest_that_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(BundleError, match="manifest"):
        parse(packed_unchecked(text))


def test_infinite_numbers_are_refused(manifest: Manifest) -> None:
    text = json.dumps(complete(manifest)).replace(
        '"unknown_threshold": 0.4', '"unknown_threshold": 1e999'
    )
    with pytest.raises(BundleError, match="unknown_threshold"):
        parse(packed_unchecked(text.encode()))


def test_a_window_is_encoded_without_loss() -> None:
    x = np.array([[0.1, -2.0, 3e-30]], np.float32)
    assert (manifests.decode_window(manifests.encode_window(x)) == x.ravel()).all()
