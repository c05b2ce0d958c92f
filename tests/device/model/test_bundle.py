"""The container: what is written is read back, and anything else is refused."""

import contextlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device import factory
from device.decision.judge import DecisionSpec
from device.model.bundle import BundleError, load, locate, pack, parse, write
from firmware_bridge.errors import EdgeharError, InputError
from tests.device.model.bundles import complete, packed_unchecked
from tests.device.model.conftest import CARD, FLATBUFFER

Manifest = dict[str, Any]


@pytest.fixture
def content(manifest: Manifest) -> bytes:
    return pack(FLATBUFFER, manifest, CARD)


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
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
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_the_file_is_the_model_and_a_stored_zip(manifest: Manifest, content: bytes) -> None:
    assert content == pack(FLATBUFFER, manifest, CARD)
    assert content.startswith(FLATBUFFER)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "MODEL_CARD.md"]
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            # Offsets count from the start of the file: other zip readers need that.
            assert content[info.header_offset :].startswith(b"PK\x03\x04")
        assert archive.infolist()[0].header_offset == len(FLATBUFFER)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_bundle_cut_anywhere_is_refused(content: bytes, data: st.DataObject) -> None:
    with pytest.raises(BundleError):
        parse(content[: data.draw(st.integers(0, len(content) - 1))])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(data=st.data())
def test_a_changed_byte_is_detected_or_changes_nothing(content: bytes, data: st.DataObject) -> None:
    # Most bytes belong to the self-test; the headers at the end get as many tries as the rest.
    place = data.draw(
        st.integers(0, len(content) - 1) | st.integers(len(content) - 300, len(content) - 1)
    )
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    bundle = None
    with contextlib.suppress(BundleError):
        bundle = parse(bytes(changed))
    if bundle is not None:
        assert bundle == parse(content)
        assert place >= len(FLATBUFFER)


@given(junk=st.binary(max_size=400))
def test_junk_is_refused(junk: bytes) -> None:
    for content in (junk, b"\0\0\0\0TFL3" + junk, FLATBUFFER + junk):
        with pytest.raises(BundleError):
            parse(content)


@pytest.mark.parametrize("flatbuffer", [FLATBUFFER + b"\0", FLATBUFFER[:-1] + b"?"])
def test_another_model_with_the_same_manifest_is_refused(content: bytes, flatbuffer: bytes) -> None:
    with pytest.raises(BundleError, match="not the one in the manifest"):
        parse(flatbuffer + content[len(FLATBUFFER) :])


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
def test_a_file_that_is_not_a_bundle_is_named_in_one_line(
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


def test_a_compressed_member_is_never_inflated(manifest: Manifest) -> None:
    bomb = packed_unchecked(
        complete(manifest), card="0" * (100 << 20), compression=zipfile.ZIP_DEFLATED
    )
    assert len(bomb) < 1 << 20
    with pytest.raises(BundleError, match="edgehar did not write its archive"):
        parse(bomb)


@pytest.mark.parametrize(
    "members", [["manifest.json", "manifest.json", "MODEL_CARD.md"], list("abcdefghijklmnopqr")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_or_many_members_are_refused(manifest: Manifest, members: list[str]) -> None:
    buffer = io.BytesIO(FLATBUFFER)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name in members:
            archive.writestr(name, json.dumps(complete(manifest)))
    with pytest.raises(BundleError):
        parse(buffer.getvalue())


def test_an_unusable_bundle_is_not_written(tmp_path: Path, manifest: Manifest) -> None:
    path = tmp_path / "waist.tflite"
    path.write_bytes(b"before")
    with pytest.raises(BundleError):
        write(path, FLATBUFFER, {**manifest, "labels": []}, CARD)
    with pytest.raises(BundleError):
        write(path, b"not a model", manifest, CARD)
    assert path.read_bytes() == b"before"
    with pytest.raises(EdgeharError, match="cannot write"):
        write(tmp_path / "nowhere" / "waist.tflite", FLATBUFFER, manifest, CARD)


def test_a_name_is_that_of_a_shipped_bundle_and_anything_else_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.model.bundle.MODELS", tmp_path)
    (tmp_path / "waist.tflite").touch()
    assert locate("waist") == tmp_path / "waist.tflite"
    assert locate("waist.tflite") == Path("waist.tflite")
    assert locate("models/waist") == Path("models/waist")
    with pytest.raises(BundleError, match=r"ankle.*waist"):
        locate("ankle")


def test_a_file_named_like_a_model_is_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrist").write_text("not a model")
    (tmp_path / "waist").mkdir()
    os.mkfifo(tmp_path / "wrist@1234")
    assert factory.open_bundle("wrist").name == factory.open_bundle(None).name == "wrist"
    assert factory.open_bundle("waist").name == "waist"
    with pytest.raises(BundleError, match="not an edgehar bundle"):
        factory.open_bundle("./wrist")
    for wrong, right in (("wrist@1234", "wrist"), ("wrsit", "wrist"), ("Waist", "waist")):
        with pytest.raises(InputError, match=f"there is no model {wrong}; did you mean {right}"):
            factory.open_bundle(wrong)
