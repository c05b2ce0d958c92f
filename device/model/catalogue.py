"""Lists and finds models: those shipped with edgehar and those installed in a folder."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from device.config.suggest import did_you_mean
from device.model import bundle as bundles
from device.model.bundle import Bundle, BundleError
from device.model.ledger import Origin, is_key
from firmware_bridge import bounded_file
from firmware_bridge.errors import InputError


@dataclass(frozen=True, slots=True)
class Entry:
    """A model file, usable or damaged."""

    key: str
    bundle: Bundle | None
    """None: the file is damaged."""
    damage: str
    """Description of the damage; empty for a usable model."""
    sha256: str
    """Hash of the whole file."""
    size_bytes: int
    origin: Origin | None
    """None: shipped, or the origin is unknown."""

    @property
    def shipped(self) -> bool:
        """Whether the model was shipped with edgehar."""
        return "@" not in self.key


def path_of(key: str, folder: Path) -> Path:
    """Return the path of a model; raises BundleError if `key` is not a key."""
    if not is_key(key):  # a key from a file must not lead outside the folder
        raise BundleError(f"{key!r} is not the name of a model; see: edgehar models list")
    return (folder if "@" in key else bundles.MODELS) / f"{key}.tflite"


def keys_in(folder: Path) -> list[str]:
    """Return the sorted keys of installed models; raises OSError."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- pathlib hides errors
    except (FileNotFoundError, NotADirectoryError):
        return []
    stems = [name.removesuffix(".tflite") for name in names if name.endswith(".tflite")]
    return sorted(stem for stem in stems if "@" in stem and is_key(stem))


def entry(key: str, folder: Path, origins: Mapping[str, Origin]) -> Entry:
    """Read one model, usable or damaged; raises BundleError if `key` is not a key."""
    path = path_of(key, folder)
    name, _, stated = key.partition("@")
    bundle, damage, content = None, "", b""
    try:
        content = bounded_file.read(path, bundles.MAX_FILE_BYTES)
        bundle = _parsed(content, name, stated)
    except BundleError as error:
        damage = str(error)
    except OSError as error:
        damage = f"cannot read {path}: {error.strerror}"
    digest = stated or hashlib.sha256(content).hexdigest()
    return Entry(key, bundle, damage, digest, len(content), origins.get(key))


def find(wanted: str, entries: list[Entry]) -> Entry:
    """Find NAME or NAME@HASH, the first digits of either SHA-256; raises InputError."""
    name, at, digits = wanted.partition("@")
    matches = [one for one in entries if one.key.partition("@")[0] == name]
    if at:
        matches = [one for one in matches if digits and _has(one, digits.lower())]
    # A file both shipped and installed is one model; only the installed one survives an upgrade.
    matches = list({one.sha256: one for one in matches}.values())
    if len(matches) == 1:
        return matches[0]
    if matches:
        choice = ", ".join(f"{name}@{one.sha256[:8]}" for one in matches)
        raise InputError(f"more than one model matches {wanted}; choose one of {choice}")
    known = {one.key.partition("@")[0] for one in entries}
    raise InputError(
        f"there is no model {wanted}{did_you_mean(name, known)}; see: edgehar models list"
    )


def _parsed(content: bytes, name: str, stated: str) -> Bundle:
    if stated and hashlib.sha256(content).hexdigest() != stated:
        raise BundleError("the file is damaged: not as it was installed; install it again")
    bundle = bundles.parse(content)
    if bundle.name != name:
        raise BundleError(f"the file holds the model {bundle.name}, not {name}; install it again")
    return bundle


def _has(one: Entry, digits: str) -> bool:
    model = one.bundle.sha256 if one.bundle else ""
    return one.sha256.startswith(digits) or model.startswith(digits)
