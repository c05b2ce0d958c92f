"""Bundles with and without a valid signature, made by OpenSSL as in docs/MODELS.md."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.model import signature
from device.model.bundle import BundleError
from device.model.store import Store
from device.model.trial import take_active
from firmware_bridge.errors import EdgeharError, InputError
from tests.device.model.bundles import installed, variant

pytest.importorskip("cryptography", reason="cryptography is not installed (extra `models`)")
pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs Debian's package openssl"
)


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def new_key(folder: Path, name: str) -> Path:
    openssl("genpkey", "-algorithm", "ed25519", "-out", folder / name)
    openssl("pkey", "-in", folder / name, "-pubout", "-out", folder / f"{name}.pub")
    return folder / name


def sign(file: Path, key: Path) -> Path:
    out = file.with_name(f"{file.name}.sig")
    openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", file, "-out", out)
    return out


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path, "ours")


@pytest.fixture
def store(tmp_path: Path, key: Path) -> Store:
    return Store(tmp_path / "models", signature.read_key(key.with_name("ours.pub")))


def test_the_first_signature_of_rfc_8032() -> None:
    """Section 7.1, TEST 1: an empty message."""
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signed = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b"
    )
    signature.verify(b"", signed, public)
    with pytest.raises(BundleError, match="signature"):
        signature.verify(b"\0", signed, public)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return variant(tmp_path / "new.tflite", 0.61)


def test_a_signed_bundle_can_be_installed_and_activated(
    store: Store, key: Path, file: Path
) -> None:
    sign(file, key)
    entry = store.install(file)
    assert entry.origin is not None
    assert entry.origin.signed_by == signature.read_key(key.with_name("ours.pub")).hex()
    store.activate(entry.key)
    with take_active(store) as taken:
        assert taken.bundle.decision.unknown_threshold == 0.61


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _, sig: sig.unlink(), "not signed"),
        (lambda _, sig: sig.write_bytes(sig.read_bytes()[:-1]), "64 bytes"),
        (lambda _, sig: sig.write_bytes(sig.read_bytes() + b"\n"), "too large"),
        (lambda _, sig: sig.write_bytes(bytes(64)), "not made by the"),
        (lambda _, sig: (sig.unlink(), sig.mkdir()), "cannot read"),
        (lambda file, _: variant(file, 0.35), "not made by the"),
        (lambda file, _: sign(file, new_key(file.parent, "theirs")), "not made by the"),
    ],
)
def test_an_invalid_signature_is_refused_before_anything_is_written(
    store: Store, key: Path, file: Path, spoil: Callable[[Path, Path], object], words: str
) -> None:
    spoil(file, sign(file, key))
    with pytest.raises(BundleError, match=words):
        store.install(file)
    assert not store.folder.exists()


def test_a_key_configured_later_also_applies_to_installed_bundles(store: Store) -> None:
    without_key = Store(store.folder)
    key = installed(without_key)
    with pytest.raises(BundleError, match="not signed by the configured key"):
        store.activate(key)
    without_key.activate(key)
    with take_active(store) as taken:
        assert taken.bundle.decision.unknown_threshold != 0.61
        assert "not signed by the configured key" in taken.why
    # A shipped model needs no signature.
    assert store.activate("waist").shipped


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 5000,
        b"-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\nnot base64!\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\nQUJD\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\n"
        + base64.b64encode(bytes(44))
        + b"\n-----END PUBLIC KEY-----",
    ],
)
def test_another_file_is_not_a_public_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InputError, match=r"openssl|too large"):
        signature.read_key(tmp_path / "key")


def test_a_private_key_and_an_x25519_key_are_refused(tmp_path: Path, key: Path) -> None:
    openssl("genpkey", "-algorithm", "x25519", "-out", tmp_path / "x")
    openssl("pkey", "-in", tmp_path / "x", "-pubout", "-out", tmp_path / "x.pub")
    for path in (key, tmp_path / "x.pub", tmp_path / "none"):
        with pytest.raises(InputError, match=r"not an Ed25519|No such file"):
            signature.read_key(path)


def test_without_cryptography_the_extra_is_named(
    store: Store, key: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(file, key)
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(EdgeharError, match=r"pip install 'edgehar\[models\]'"):
        store.install(file)
