"""The bundles in device/models against their manifests, on every runtime of this machine."""

import hashlib
from pathlib import Path

import pytest

from convert.runtime_process import installed
from convert.verify import LEAST_AGREEMENT, MOST_BYTES, MOST_LOST
from device.factory import model_path
from device.model.bundle import MODELS, load
from device.model.classifier import SELF_TEST_TOLERANCE, self_test
from device.model.manifest import SCHEMA

SHIPPED = sorted(MODELS.glob("*.tflite"))
FILE_BYTES = 620_000


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_bundle_matches_its_manifest(path: Path) -> None:
    bundle, content = load(path), path.read_bytes()
    assert bundle.name == path.stem
    assert bundle.manifest["schema"] == SCHEMA
    stated = bundle.manifest["flatbuffer"]
    assert hashlib.sha256(content[: stated["length"]]).hexdigest() == stated["sha256"]
    assert content[stated["length"] :].startswith(b"PK")
    form = bundle.manifest["quantisation"]["form"]
    assert form == "int8"
    assert stated["length"] <= MOST_BYTES[form]
    assert len(content) <= FILE_BYTES
    assert bundle.card.startswith(f"# {path.stem}\n")
    assert bundle.manifest["results"]


@pytest.mark.parametrize("runtime", installed())
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_bundle_works_on_every_runtime(path: Path, runtime: str) -> None:
    bundle = load(path)
    assert self_test(bundle, runtime) <= SELF_TEST_TOLERANCE
    check = bundle.manifest["conversion"]
    one = check["runtimes"][runtime]
    assert one["agreement"] >= LEAST_AGREEMENT["int8"]
    assert check["keras_accuracy"] - one["accuracy"] <= MOST_LOST["int8"]


def test_wrist_and_waist_are_shipped_and_wrist_is_the_default() -> None:
    assert {path.stem for path in SHIPPED} == {"waist", "wrist"}
    assert model_path(None).stem == "wrist"
