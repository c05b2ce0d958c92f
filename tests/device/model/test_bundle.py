import contextlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device import factory
from device.decision.hmm_filter import HmmSpec
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.model import manifest as manifests
from device.model.bundle import BundleError, load, locate, pack, parse, write
from device.model.manifest import _REQUIRED
from device.mounting.spec import MountingSpec
from firmware_bridge.errors import EdgeharError, InputError
from tests.device.model.conftest import CARD, FLATBUFFER

Manifest = dict[str, Any]
DECISION = DecisionSpec(0.4).to_dict()


def smoothing(states: int) -> Manifest:
    rest = 0.1 / (states - 1)
    rows = [[0.9 if i == j else rest for j in range(states)] for i in range(states)]
    return {"kind": "hmm", "transition": rows, "prior": [1 / states] * states, "weight": 0.5}


def packed_as_is(manifest: Manifest | bytes, card: str = CARD, **how: Any) -> bytes:
    """Pack without the checks of `pack`, as some other program might."""
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    buffer = io.BytesIO(FLATBUFFER)
    with zipfile.ZipFile(buffer, "a", **how) as archive:
        archive.writestr("manifest.json", text)
        archive.writestr("MODEL_CARD.md", card)
    return buffer.getvalue()


def whole(manifest: Manifest) -> Manifest:
    return parse(pack(FLATBUFFER, manifest, CARD)).manifest


def test_a_bundle_comes_back_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    path = tmp_path / "waist.tflite"
    write(path, FLATBUFFER, manifest, CARD)
    bundle = load(path)
    assert bundle.flatbuffer == FLATBUFFER
    assert bundle.card == CARD
    assert {key: bundle.manifest[key] for key in manifest} == manifest
    assert bundle.labels == ("walking", "sitting", "lying")
    assert bundle.spec.to_dict() == manifest["signal"]
    assert bundle.decision == DecisionSpec(0.4)
    assert bundle.orientation is None
    assert bundle.worn is None
    assert bundle.id == f"waist@{bundle.sha256[:8]}"
    assert [entry.name for entry in tmp_path.iterdir()] == ["waist.tflite"]


def test_the_file_is_the_model_with_a_stored_zip_behind_it(manifest: Manifest) -> None:
    content = pack(FLATBUFFER, manifest, CARD)
    assert content.startswith(FLATBUFFER)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "MODEL_CARD.md"]
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            # Offsets count from the start of the file: other zip readers need that.
            assert content[info.header_offset :].startswith(b"PK\x03\x04")
        assert archive.infolist()[0].header_offset == len(FLATBUFFER)


def test_the_same_input_gives_the_same_bytes(manifest: Manifest) -> None:
    assert pack(FLATBUFFER, manifest, CARD) == pack(FLATBUFFER, manifest, CARD)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_bundle_cut_anywhere_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    content = pack(FLATBUFFER, manifest, CARD)
    with pytest.raises(BundleError):
        parse(content[: data.draw(st.integers(0, len(content) - 1))])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(data=st.data())
def test_any_changed_byte_is_found_or_changes_nothing(
    manifest: Manifest, data: st.DataObject
) -> None:
    content = pack(FLATBUFFER, manifest, CARD)
    # Most bytes are the self-test's; the headers at the end deserve as many tries as the rest.
    place = data.draw(
        st.integers(0, len(content) - 1) | st.integers(len(content) - 300, len(content) - 1)
    )
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    found = None
    with contextlib.suppress(BundleError):
        found = parse(bytes(changed))
    if found is not None:
        assert found == parse(content)
        assert place >= len(FLATBUFFER)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=400))
def test_junk_is_refused_whatever_it_is(junk: bytes) -> None:
    for content in (junk, b"\0\0\0\0TFL3" + junk, FLATBUFFER + junk):
        with pytest.raises(BundleError):
            parse(content)


def test_a_byte_between_model_and_archive_is_refused(manifest: Manifest) -> None:
    content = pack(FLATBUFFER, manifest, CARD)
    with pytest.raises(BundleError, match="not the one in the manifest"):
        parse(content[: len(FLATBUFFER)] + b"\0" + content[len(FLATBUFFER) :])


def test_another_model_under_the_same_manifest_is_refused(manifest: Manifest) -> None:
    content = bytearray(pack(FLATBUFFER, manifest, CARD))
    content[100] ^= 1
    with pytest.raises(BundleError, match="not the one in the manifest"):
        parse(bytes(content))


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, (64 << 20) + 1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(b""), "not an edgehar bundle"),
        (lambda path: path.write_text("t_s,acc_x_g\n0,0\n"), "not an edgehar bundle"),
        (lambda path: path.write_bytes(FLATBUFFER), "plain TFLite model without"),
        (sparse, "larger than 64 MB"),
    ],
    ids=["missing", "directory", "empty", "text", "plain TFLite", "huge"],
)
def test_what_is_no_bundle_is_named_in_one_line(
    tmp_path: Path, make: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "file.tflite"
    make(path)
    with pytest.raises(BundleError) as caught:
        load(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_newer_schema_asks_for_an_update_before_anything_else(manifest: Manifest) -> None:
    with pytest.raises(BundleError, match=r"newer edgehar.*update"):
        parse(packed_as_is({"schema": 3, "future": True}))
    newer = {**whole(manifest), "schema": 7}
    with pytest.raises(BundleError, match="newer edgehar"):
        parse(packed_as_is(newer))


@pytest.mark.parametrize("path", sorted(_REQUIRED))
def test_each_missing_field_is_named(manifest: Manifest, path: str) -> None:
    full = whole(manifest)
    *above, last = path.split(".")
    place = full
    for key in above:
        place = place[key]
    # A copy, for input and output share one object in the fixture.
    held = json.loads(json.dumps(place))
    del held[last]
    if above:
        outer = full
        for key in above[:-1]:
            outer = outer[key]
        outer[above[-1]] = held
    else:
        full = held
    with pytest.raises(BundleError, match=f"lacks '{path}'"):
        parse(packed_as_is(full))


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
def test_a_manifest_that_makes_no_sense_is_refused(manifest: Manifest, change: Manifest) -> None:
    with pytest.raises(BundleError) as caught:
        parse(packed_as_is({**whole(manifest), **change}))
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("part", ["signal", "decision", "orientation", "worn"])
def test_a_step_that_is_not_known_is_refused(manifest: Manifest, part: str) -> None:
    manifest["orientation"] = MountingSpec(("sitting",)).to_dict()
    manifest["worn"] = NonwearSpec().to_dict()
    manifest[part]["detrend"] = True
    with pytest.raises(BundleError, match="detrend"):
        pack(FLATBUFFER, manifest, CARD)


def test_smoothing_and_mounting_come_back_as_they_were_written(manifest: Manifest) -> None:
    filtered = DecisionSpec(0.5, True, 1.4, HmmSpec.from_dict(smoothing(4)))
    finds = MountingSpec(("sitting", "lying"), known_at=0.7)
    manifest["decision"], manifest["orientation"] = filtered.to_dict(), finds.to_dict()
    manifest["self_test"]["probabilities"] = [0.1, 0.6, 0.2, 0.1]
    bundle = parse(pack(FLATBUFFER, manifest, CARD))
    assert (bundle.decision, bundle.orientation) == (filtered, finds)
    labels = ["unknown", *bundle.labels[1:]]
    with pytest.raises(BundleError, match="last output"):
        pack(FLATBUFFER, {**manifest, "labels": labels}, CARD)


def test_schema_1_is_read_as_it_was_meant(manifest: Manifest) -> None:
    old: Manifest = {**whole(manifest), "schema": 1}
    old["decision"] = {"smoothing": "none", "unknown_threshold": 0.3, "note": "kept"}
    del old["orientation"]
    bundle = parse(packed_as_is(old))
    assert (bundle.decision, bundle.orientation) == (DecisionSpec(0.3), None)
    for terms in ({"smoothing": None, "unknown_threshold": 0.3}, {"smoothing": "none"}):
        with pytest.raises(BundleError, match=r"decision\."):
            parse(packed_as_is({**old, "decision": terms}))


def test_the_shipped_bundles_decide_as_they_always_did() -> None:
    shipped = load(locate("waist"))
    if shipped.manifest["schema"] == 1:
        assert shipped.decision == DecisionSpec(0.4)
        assert shipped.orientation is None


def test_other_fields_that_are_not_known_are_kept_and_ignored(manifest: Manifest) -> None:
    manifest["colour"] = "green"
    assert whole(manifest)["colour"] == "green"


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
        parse(packed_as_is(text))


def test_infinite_numbers_are_refused(manifest: Manifest) -> None:
    text = json.dumps(whole(manifest)).replace(
        '"unknown_threshold": 0.4', '"unknown_threshold": 1e999'
    )
    with pytest.raises(BundleError, match="unknown_threshold"):
        parse(packed_as_is(text.encode()))


def test_nothing_compressed_is_ever_inflated(manifest: Manifest) -> None:
    bomb = packed_as_is(whole(manifest), card="0" * (100 << 20), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 20
    with pytest.raises(BundleError, match="edgehar did not write its archive"):
        parse(bomb)


@pytest.mark.parametrize(
    "members", [["manifest.json", "manifest.json", "MODEL_CARD.md"], list("abcdefghijklmnopqr")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_twice_or_by_the_dozen_are_refused(manifest: Manifest, members: list[str]) -> None:
    buffer = io.BytesIO(FLATBUFFER)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name in members:
            archive.writestr(name, json.dumps(whole(manifest)))
    with pytest.raises(BundleError):
        parse(buffer.getvalue())


def test_what_could_not_be_loaded_is_not_written(tmp_path: Path, manifest: Manifest) -> None:
    path = tmp_path / "waist.tflite"
    path.write_bytes(b"before")
    with pytest.raises(BundleError):
        write(path, FLATBUFFER, {**manifest, "labels": []}, CARD)
    with pytest.raises(BundleError):
        write(path, b"not a model", manifest, CARD)
    assert path.read_bytes() == b"before"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(EdgeharError, match="cannot write"):
        write(tmp_path / "nowhere" / "waist.tflite", FLATBUFFER, manifest, CARD)


def test_a_written_bundle_can_be_read_by_the_daemon_s_user(
    tmp_path: Path, manifest: Manifest
) -> None:
    write(tmp_path / "waist.tflite", FLATBUFFER, manifest, CARD)
    assert stat.S_IMODE((tmp_path / "waist.tflite").stat().st_mode) & 0o400


def test_names_are_of_shipped_bundles_and_anything_else_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.model.bundle.MODELS", tmp_path)
    (tmp_path / "waist.tflite").touch()
    assert locate("waist") == tmp_path / "waist.tflite"
    assert locate("waist.tflite") == Path("waist.tflite")
    assert locate("models/waist") == Path("models/waist")
    with pytest.raises(BundleError, match=r"ankle.*waist"):
        locate("ankle")


def test_a_window_survives_its_encoding() -> None:
    x = np.array([[0.1, -2.0, 3e-30]], np.float32)
    assert (manifests.decode_window(manifests.encode_window(x)) == x.ravel()).all()


def test_a_file_called_like_a_model_is_not_taken_for_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrist").write_text("not a model")
    (tmp_path / "waist").mkdir()
    os.mkfifo(tmp_path / "wrist@1234")
    assert factory.open_bundle("wrist").name == "wrist"
    assert factory.open_bundle("waist").name == "waist"
    assert factory.open_bundle(None).name == "wrist"
    with pytest.raises(InputError, match="there is no model wrist@1234; did you mean wrist"):
        factory.open_bundle("wrist@1234")
    with pytest.raises(BundleError, match="not an edgehar bundle"):
        factory.open_bundle("./wrist")


@pytest.mark.parametrize(("wrong", "right"), [("wrsit", "wrist"), ("Waist", "waist")])
def test_a_misspelt_model_is_told_which_was_meant(wrong: str, right: str) -> None:
    with pytest.raises(InputError, match=f"there is no model {wrong}; did you mean {right}"):
        factory.open_bundle(wrong)
