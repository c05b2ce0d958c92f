"""The bundle: a TFLite file with its manifest and model card appended. See docs/BUNDLE.md."""

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
"""Where the shipped bundles are."""
DEFAULTS: Final = ("wrist", "waist")
"""The first of these that is shipped is used where no model is named."""

MAX_FILE_BYTES: Final = 64 << 20
_MAX_MEMBER_BYTES: Final = 1 << 20
_MAX_MEMBERS: Final = 16
_ZIP_ERRORS: Final = (zipfile.BadZipFile, struct.error, OverflowError)
_IDENTIFIER: Final = slice(4, 8)  # of a TFLite flatbuffer: b"TFL3"


class BundleError(InputError):
    """The bundle is missing, damaged, or asks for what this device cannot do."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle, in memory."""

    name: str
    labels: tuple[str, ...]
    spec: SignalSpec
    decision: DecisionSpec
    orientation: MountingSpec | None
    """How the mounting is found; None: the sensor must sit as `mounting` in the manifest says."""
    worn: NonwearSpec | None
    """How `not_worn` is told; None: it never is."""
    flatbuffer: bytes
    """The TFLite model alone."""
    sha256: str
    """Of the flatbuffer, in hex."""
    manifest: dict[str, Any]
    card: str
    """MODEL_CARD.md, Markdown."""

    @property
    def id(self) -> str:
        """What a decision names as its model: name and first 8 hex digits, `waist@1a2b3c4d`."""
        return f"{self.name}@{self.sha256[:8]}"


def shipped_default() -> str:
    """Return the name of the shipped model that is used where none is named."""
    return next((name for name in DEFAULTS if (MODELS / f"{name}.tflite").is_file()), DEFAULTS[0])


def locate(name_or_path: str | Path) -> Path:
    """Return the path of a bundle: a shipped one by its name (`waist`), any other by its path.

    A file called like a model, in the current folder, is never taken for the model.
    Raises BundleError if no shipped model has that name.
    """
    name = str(name_or_path)
    if is_path(name):
        return Path(name)
    if is_shipped(name):
        return MODELS / f"{name}.tflite"
    names = sorted(path.stem for path in MODELS.glob("*.tflite"))
    raise BundleError(
        f"there is no model {name}{did_you_mean(name, names)}; shipped are {', '.join(names)};"
        " the path of a file has a / or ends in .tflite"
    )


def is_shipped(name: str) -> bool:
    """Say whether a model of that name is shipped."""
    return (MODELS / f"{name}.tflite").is_file()


def is_path(name: str) -> bool:
    """Say whether the text names a file and not a model: it has a `/` or a suffix."""
    return "/" in name or bool(Path(name).suffix)


def load(path: str | Path) -> Bundle:
    """Read and verify a bundle: every byte of the model is checked before anything runs it.

    Raises BundleError, in one line that names the file and what is wrong with it.
    """
    path = Path(path)
    content = read(path)
    try:
        return parse(content)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def parse(content: bytes) -> Bundle:
    """`load` for a file's bytes; the message of its BundleError names no file."""
    if content[_IDENTIFIER] != b"TFL3":
        raise BundleError("it is not an edgehar bundle (no TFLite model at its start)")
    members, start = _unzip(content)
    if MANIFEST not in members or CARD not in members:
        raise BundleError("it is a TFLite model without edgehar's manifest; make it a bundle")
    try:
        manifest = manifests.parse(members[MANIFEST])
        card = members[CARD].decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError("its model card is damaged; get the file again") from error
    except InputError as error:
        raise BundleError(str(error)) from error
    flatbuffer = content[:start]
    digest = hashlib.sha256(flatbuffer).hexdigest()
    stated = manifest["flatbuffer"]
    if len(flatbuffer) != stated["length"] or digest != stated["sha256"]:
        raise BundleError("its model is not the one its manifest describes; get the file again")
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
    """Make the bytes of a bundle; fills in the manifest's `schema` and `flatbuffer`.

    The same input gives the same bytes.
    Raises BundleError where `load` would refuse the result.
    """
    digest = hashlib.sha256(flatbuffer).hexdigest()
    stated = {"length": len(flatbuffer), "sha256": digest}
    full = {**manifest, "schema": manifests.SCHEMA, "flatbuffer": stated}
    text = json.dumps(full, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    buffer = io.BytesIO(flatbuffer)
    # Appending keeps offsets absolute, and stored members can be mapped: both as TFLite's own
    # metadata readers expect. A fixed date makes the file reproducible.
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, member in ((MANIFEST, text), (CARD, card)):
            archive.writestr(zipfile.ZipInfo(name), member.encode("utf-8"))
    content = buffer.getvalue()
    try:
        parse(content)
    except BundleError as error:
        raise BundleError(f"this would not be a usable bundle: {error}") from error
    return content


def write(path: str | Path, flatbuffer: bytes, manifest: manifests.Manifest, card: str) -> None:
    """Write a bundle in one step: a reader sees the old file or the whole new one."""
    write_whole(Path(path), pack(flatbuffer, manifest, card))


def read(path: Path) -> bytes:
    """Return a file's bytes, unchecked but for their number; raises BundleError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot read the bundle: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise BundleError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MB, not an edgehar bundle")
    return content


def _unzip(content: bytes) -> tuple[dict[str, bytes], int]:
    """Return the members by name, and where the archive starts."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            members = {
                info.filename: archive.read(info)
                for info in infos[:_MAX_MEMBERS]
                if _is_plain(info)
            }
    # What zipfile raises on hostile bytes is not one family.
    except (*_ZIP_ERRORS, RuntimeError, ValueError, EOFError, OSError) as error:
        raise BundleError(
            "it is cut short, damaged, or a plain TFLite model without edgehar's manifest"
        ) from error
    if len(members) != len(infos):
        raise BundleError("its appended archive is not one that edgehar writes")
    return members, min((info.header_offset for info in infos), default=0)


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Only stored members are read, so nothing can inflate."""
    stored = info.compress_type == zipfile.ZIP_STORED
    return stored and info.file_size == info.compress_size <= _MAX_MEMBER_BYTES
