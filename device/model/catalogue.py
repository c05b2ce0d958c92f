"""The models that are there to be read: those shipped with edgehar and those in a folder."""

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
    """A model that is there."""

    key: str
    bundle: Bundle | None
    """None: it is damaged."""
    damage: str
    """What is wrong with it; empty where nothing is."""
    sha256: str
    """Of the whole file."""
    size_bytes: int
    origin: Origin | None
    """None: shipped, or nobody knows any more."""

    @property
    def shipped(self) -> bool:
        """Whether it came with edgehar."""
        return "@" not in self.key


def path_of(key: str, folder: Path) -> Path:
    """Return where a model is; raises BundleError."""
    if not is_key(key):  # what comes from a file becomes no path unchecked
        raise BundleError(f"{key!r} is no model's name")
    return (folder if "@" in key else bundles.MODELS) / f"{key}.tflite"


def keys_in(folder: Path) -> list[str]:
    """List the keys of what is installed, sorted; raises OSError."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- pathlib's hides the errors
    except (FileNotFoundError, NotADirectoryError):
        return []
    stems = [name.removesuffix(".tflite") for name in names if name.endswith(".tflite")]
    return sorted(stem for stem in stems if "@" in stem and is_key(stem))


def entry(key: str, folder: Path, origins: Mapping[str, Origin]) -> Entry:
    """Read one model, whatever state it is in; raises BundleError if `key` is none."""
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
    """Find NAME or NAME@HASH, where a hash is the first digits of the file's or the model's.

    Raises InputError if there is none, or more than one.
    """
    name, at, digits = wanted.partition("@")
    fits = [one for one in entries if one.key.partition("@")[0] == name]
    if at:
        fits = [one for one in fits if digits and _has(one, digits.lower())]
    # The same file shipped and installed is one model; the installed one outlasts an upgrade.
    fits = list({one.sha256: one for one in fits}.values())
    if len(fits) == 1:
        return fits[0]
    if fits:
        choice = ", ".join(f"{name}@{one.sha256[:8]}" for one in fits)
        raise InputError(f"more than one model is {wanted}: say which of {choice}")
    known = {one.key.partition("@")[0] for one in entries}
    raise InputError(
        f"there is no model {wanted}{did_you_mean(name, known)}; see: edgehar models list"
    )


def _parsed(content: bytes, name: str, stated: str) -> Bundle:
    if stated and hashlib.sha256(content).hexdigest() != stated:
        raise BundleError("the file is damaged: not what was installed")
    bundle = bundles.parse(content)
    if bundle.name != name:
        raise BundleError(f"it is the model {bundle.name}, not {name}")
    return bundle


def _has(one: Entry, digits: str) -> bool:
    model = one.bundle.sha256 if one.bundle else ""
    return one.sha256.startswith(digits) or model.startswith(digits)
