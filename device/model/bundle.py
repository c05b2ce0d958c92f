"""Reads and writes bundles: a TFLite file with manifest and model card (docs/BUNDLE.md)."""

import hashlib
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from device.config.suggest import did_you_mean
from device.decision.judge import DecisionSpec
from device.decision.nonwear import NonwearSpec
from device.model import manifest as manifests
from device.mounting.spec import MountingSpec
from device.signal.spec import SignalSpec
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_whole

MANIFEST: Final = "manifest.json"
CARD: Final = "MODEL_CARD.md"
MODELS: Final = Path(__file__).parents[1] / "models"
"""Folder of the shipped bundles."""
DEFAULTS: Final = ("wrist", "waist")
"""The first of these that is shipped is the default model."""

MAX_FILE_BYTES: Final = 64 << 20
_MAX_MEMBER_BYTES: Final = 1 << 20
_MAX_MEMBERS: Final = 16
_ZIP_ERRORS: Final = (
    *(zipfile.BadZipFile, struct.error, OverflowError),
    *(RuntimeError, ValueError, EOFError, OSError),
)
"""All that zipfile raises on damaged or hostile bytes."""
_IDENTIFIER: Final = slice(4, 8)  # b"TFL3" in a TFLite flatbuffer


class BundleError(InputError):
    """The bundle is missing or damaged, or this device cannot run it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle, in memory."""

    name: str
    labels: tuple[str, ...]
    spec: SignalSpec
    decision: DecisionSpec
    orientation: MountingSpec | None
    """Estimate of the mounting; None: the sensor must have the manifest's `mounting`."""
    worn: NonwearSpec | None
    """Detection of non-wear; None: there is no `not_worn`."""
    flatbuffer: bytes
    """The TFLite model alone."""
    sha256: str
    """Hash of the flatbuffer, in hex."""
    manifest: dict[str, Any]
    card: str
    """MODEL_CARD.md, Markdown."""

    @property
    def id(self) -> str:
        """Name of the model in decisions: name and first 8 hex digits, `waist@1a2b3c4d`."""
        return f"{self.name}@{self.sha256[:8]}"


def shipped_default() -> str:
    """Return the name of the default model."""
    return next((name for name in DEFAULTS if (MODELS / f"{name}.tflite").is_file()), DEFAULTS[0])


def locate(name_or_path: str | Path) -> Path:
    """Return the path of a bundle, given by its path or by the name of a shipped model.

    A name never means a file in the current folder. Raises BundleError on an unknown name.
    """
    name = str(name_or_path)
    if is_path(name):
        return Path(name)
    if is_shipped(name):
        return MODELS / f"{name}.tflite"
    names = sorted(path.stem for path in MODELS.glob("*.tflite"))
    raise BundleError(
        f"there is no model {name}{did_you_mean(name, names)}; shipped models: {', '.join(names)};"
        " a file's path needs a / or the suffix .tflite"
    )


def is_shipped(name: str) -> bool:
    """Return whether a model with that name is shipped."""
    return (MODELS / f"{name}.tflite").is_file()


def is_path(name: str) -> bool:
    """Return whether the text is the path of a file: it has a `/` or a suffix."""
    return "/" in name or bool(Path(name).suffix)


def load(path: str | Path) -> Bundle:
    """Read and verify a bundle; raises BundleError, with one line that names file and fault."""
    path = Path(path)
    content = read(path)
    try:
        return parse(content)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def parse(content: bytes) -> Bundle:
    """`load` for a file's bytes; the message of its BundleError names no file."""
    if content[_IDENTIFIER] != b"TFL3":
        raise BundleError("not an edgehar bundle (no TFLite model at its start)")
    members, start = _unzip(content)
    if MANIFEST not in members or CARD not in members:
        raise BundleError("a TFLite model without edgehar's manifest; make a bundle of it")
    try:
        manifest = manifests.parse(members[MANIFEST])
        card = members[CARD].decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError("the model card is damaged; copy the file again") from error
    except InputError as error:
        raise BundleError(str(error)) from error
    flatbuffer = content[:start]
    digest = hashlib.sha256(flatbuffer).hexdigest()
    stated = manifest["flatbuffer"]
    if len(flatbuffer) != stated["length"] or digest != stated["sha256"]:
        raise BundleError("the model is not the one in the manifest; copy the file again")
    return Bundle(
        name=manifest["name"],
        labels=tuple(manifest["labels"]),
        spec=SignalSpec.from_dict(manifest["signal"]),
        decision=manifests.decision_of(manifest),
        orientation=manifests.orientation_of(manifest),
        worn=manifests.worn_of(manifest),
        flatbuffer=flatbuffer,
        sha256=digest,
        manifest=manifest,
        card=card,
    )


def pack(flatbuffer: bytes, manifest: manifests.Manifest, card: str) -> bytes:
    """Return the bytes of a bundle, reproducibly; sets the manifest's `schema` and `flatbuffer`.

    Raises BundleError if `load` would refuse the result.
    """
    digest = hashlib.sha256(flatbuffer).hexdigest()
    stated = {"length": len(flatbuffer), "sha256": digest}
    full = {**manifest, "schema": manifests.SCHEMA, "flatbuffer": stated}
    text = json.dumps(full, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    buffer = io.BytesIO(flatbuffer)
    # TFLite's metadata readers expect absolute offsets (mode "a") and stored members, which can be
    # mapped. ZipInfo's fixed date makes the file reproducible.
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, member in ((MANIFEST, text), (CARD, card)):
            archive.writestr(zipfile.ZipInfo(name), member.encode("utf-8"))
    content = buffer.getvalue()
    try:
        parse(content)
    except BundleError as error:
        raise BundleError(f"the bundle is not usable: {error}") from error
    return content


def write(path: str | Path, flatbuffer: bytes, manifest: manifests.Manifest, card: str) -> None:
    """Write a bundle in one step: a reader sees the old file or the complete new file."""
    write_whole(Path(path), pack(flatbuffer, manifest, card))


def read(path: Path) -> bytes:
    """Return a file's unverified bytes; raises BundleError, also for a file that is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot read the bundle: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise BundleError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MB, not an edgehar bundle")
    return content


def _unzip(content: bytes) -> tuple[dict[str, bytes], int]:
    """Return the members by name and the offset of the archive; raises BundleError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            members = {
                info.filename: archive.read(info)
                for info in infos[:_MAX_MEMBERS]
                if _is_plain(info)
            }
    except _ZIP_ERRORS as error:
        raise BundleError(
            "cut short, damaged, or a plain TFLite model without edgehar's manifest"
        ) from error
    if len(members) != len(infos):
        raise BundleError("edgehar did not write its archive; make the bundle with edgehar convert")
    return members, min((info.header_offset for info in infos), default=0)


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Return whether a member is stored and small; a compressed one could grow without limit."""
    stored = info.compress_type == zipfile.ZIP_STORED
    return stored and info.file_size == info.compress_size <= _MAX_MEMBER_BYTES
