"""The store of models on a board: installs, activates, rolls back.

    NAME@SHA256.tflite   installed bundles, by name and SHA-256 of the file; never changed
    state.json           active, previous and failed models (device.model.ledger)
    lock, trial.lock     one change at a time; one daemon at a time has a model on trial

Every change is on the disk before the next one begins, and only state.json is ever replaced. So
after a power cut it names a complete bundle, or none: the shipped default.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from device.files import lock
from device.model import bundle as bundles
from device.model import catalogue, signature
from device.model.bundle import Bundle, BundleError
from device.model.catalogue import Entry
from device.model.classifier import self_test
from device.model.ledger import Ledger, LedgerError, Origin, is_key, plain, short
from firmware_bridge import bounded_file, whole_file
from firmware_bridge.errors import EdgeharError, InputError

MOST: Final = 100
"""Largest number of installed bundles."""
_STATE: Final = "state.json"
_MAX_STATE_BYTES: Final = 1 << 20


class StoreError(EdgeharError):
    """The store's folder cannot be read or written."""


class Store:
    """The shipped models, and those in a folder that may not exist yet."""

    def __init__(self, folder: Path, key: bytes | None = None) -> None:
        """Open the store; with a public key (32 bytes), every installed bundle must be signed."""
        self.folder = folder
        self._key = key

    def ledger(self) -> Ledger:
        """Read the state file; raises StoreError."""
        path = self.folder / _STATE
        try:
            return Ledger.from_json(bounded_file.read(path, _MAX_STATE_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            return Ledger()
        except LedgerError as error:
            return Ledger(why=f"the shipped default, because {path} cannot be used: {error}")
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error

    def change(self, step: Callable[[Ledger], Ledger]) -> Ledger:
        """Apply one step to the ledger and write it to the disk; raises StoreError."""
        try:
            whole_file.make_folder(self.folder)
            with lock.locked(self.folder / "lock"):
                before = self.ledger()
                after = step(before)
                if after != before:
                    whole_file.write(self.folder / _STATE, after.to_json(), 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot write to {self.folder}: {error.strerror}; check its owner and free space"
            ) from error
        return after

    def entries(self) -> list[Entry]:
        """Return all models: the shipped ones first, then by name. Raises StoreError."""
        origins = self.ledger().installed
        try:
            installed = catalogue.keys_in(self.folder)
        except OSError as error:
            raise StoreError(f"cannot read {self.folder}: {error.strerror}") from error
        shipped = sorted(path.stem for path in bundles.MODELS.glob("*.tflite"))
        return [catalogue.entry(key, self.folder, origins) for key in (*shipped, *installed)]

    def find(self, wanted: str) -> Path:
        """Return the path of NAME or NAME@HASH; raises InputError, StoreError."""
        return catalogue.path_of(catalogue.find(wanted, self.entries()).key, self.folder)

    def install(self, file: Path) -> Entry:
        """Verify a bundle on this machine, then copy it into the store; a second time repairs it.

        Raises BundleError if it is damaged, unsigned or fails its self-test, EdgeharError if that
        cannot be checked, StoreError.
        """
        content = bundles.read(file)
        signed = None if self._key is None else signature.read(file)
        try:
            if self._key is not None and signed is not None:
                signature.verify(content, signed, self._key)
            bundle = bundles.parse(content)
            self_test(bundle)
        except BundleError as error:
            raise BundleError(f"{file}: {error}") from error
        key = f"{bundle.name}@{hashlib.sha256(content).hexdigest()}"
        origin = Origin(
            plain(str(file.absolute())),
            datetime.now(UTC).isoformat(timespec="seconds"),
            None if self._key is None else self._key.hex(),
        )

        def add(ledger: Ledger) -> Ledger:
            there = catalogue.keys_in(self.folder)
            if key not in there and len(there) >= MOST:
                raise StoreError(f"{self.folder} holds {MOST} bundles; delete unused ones")
            self._tidy()
            # Also if the file exists: it may be damaged.
            whole_file.write(catalogue.path_of(key, self.folder), content, 0o644)
            others = {k: v for k, v in ledger.installed.items() if k in there}
            return replace(ledger, installed={**others, key: origin})

        return catalogue.entry(key, self.folder, self.change(add).installed)

    def activate(self, wanted: str) -> Entry:
        """Verify a model and activate it, on trial; raises InputError and as `verified`."""
        entry = catalogue.find(wanted, self.entries())
        default = bundles.shipped_default()
        self.verified(entry.key)

        def step(ledger: Ledger) -> Ledger:
            if (ledger.active or default) == entry.key:
                return ledger
            return ledger.activated(entry.key, default)

        self.change(step)
        return entry

    def roll_back(self) -> Entry:
        """Activate the previous model again; raises InputError if there is none."""
        key = self.ledger().previous
        if key is None:
            raise InputError("no model to go back to; choose one: edgehar models activate NAME")
        self.verified(key)
        ledger = self.change(lambda now: now.went_back() if now.previous == key else now)
        return catalogue.entry(key, self.folder, ledger.installed)

    def load(self, key: str) -> Bundle:
        """Load a model; raises BundleError if it is damaged or not signed by the store's key."""
        entry = catalogue.entry(key, self.folder, self.ledger().installed)
        if entry.bundle is None:
            raise BundleError(f"{short(key)}: {entry.damage}")
        signed_by = entry.origin and entry.origin.signed_by
        if self._key is not None and not entry.shipped and signed_by != self._key.hex():
            raise BundleError(
                f"{short(key)} was not signed by the configured key; install it again"
            )
        return entry.bundle

    def verified(self, key: str) -> Bundle:
        """Load a model and run its self-test; raises BundleError, EdgeharError."""
        bundle = self.load(key)
        self_test(bundle)
        return bundle

    def try_lock(self) -> int | None:
        """Lock the trial; return a descriptor, None if another daemon has it. Raises StoreError."""
        path = self.folder / "trial.lock"
        try:
            return lock.lock(path, wait=False)
        except OSError as error:
            raise StoreError(f"cannot open {path}: {error.strerror}") from error

    def _tidy(self) -> None:
        """Remove partly written bundles, left by a power cut."""
        for name in os.listdir(self.folder):  # noqa: PTH208
            stem, *rest = name.split(".")
            if rest == ["tflite", "part"] and "@" in stem and is_key(stem):
                os.unlink(self.folder / name)  # noqa: PTH108
