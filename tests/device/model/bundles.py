"""Bundles: usable ones with the shipped network and another threshold, and unchecked ones."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from device.model import bundle as bundles
from device.model.store import Store
from tests.device.model.conftest import CARD, FLATBUFFER


def packed_unchecked(manifest: dict[str, Any] | bytes, card: str = CARD, **how: Any) -> bytes:
    """Pack without the checks of `pack`, as another program might."""
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    buffer = io.BytesIO(FLATBUFFER)
    with zipfile.ZipFile(buffer, "a", **how) as archive:
        archive.writestr("manifest.json", text)
        archive.writestr("MODEL_CARD.md", card)
    return buffer.getvalue()


def complete(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with the fields that `pack` adds."""
    return bundles.parse(bundles.pack(FLATBUFFER, manifest, CARD)).manifest


def variant(path: Path, threshold: float, **terms: Any) -> Path:
    """Write the shipped wrist model with another threshold and whatever else is given."""
    shipped = bundles.load(bundles.locate("wrist"))
    decision = {**shipped.manifest["decision"], "unknown_threshold": threshold}
    manifest = {**shipped.manifest, "decision": decision, **terms}
    path.write_bytes(bundles.pack(shipped.flatbuffer, manifest, shipped.card))
    return path


def installed(store: Store, threshold: float = 0.61) -> str:
    """Install a variant; return its key."""
    return store.install(variant(store.folder.with_name(f"{threshold}"), threshold)).key


def failing(path: Path) -> Path:
    """Write one whose self-test fails on every machine."""
    test = bundles.load(bundles.locate("wrist")).manifest["self_test"]
    return variant(path, 0.5, self_test={**test, "probabilities": test["probabilities"][::-1]})


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def put_by_hand(path: Path, folder: Path, name: str = "wrist") -> str:
    """Put a bundle into the store as it would be after `install`, unchecked; return its key."""
    key = f"{name}@{sha256(path)}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}.tflite").write_bytes(path.read_bytes())
    return key
