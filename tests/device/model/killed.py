"""Kills a process before each file call of each command of the store; run by test_store_cuts."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from device.files import lock
from device.model import store as stores
from device.model.ledger import Ledger
from device.model.store import Store
from device.model.trial import active, take_active
from firmware_bridge import bounded_file, whole_file
from firmware_bridge.errors import InputError
from tests.device.model.bundles import sha256

CALLS = {"open", "write", "fsync", "replace", "unlink", "mkdir", "fchmod", "fchown"}
KILLED = 9


class Dying:
    """Replaces the module `os`; ends the process without clean-up before the n-th file call."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def __getattr__(self, name: str) -> Any:
        if name in CALLS:
            self._left -= 1
            if self._left < 0:
                os._exit(KILLED)
        return getattr(os, name)


def run(store: Store) -> None:
    with take_active(store):
        pass


def prove(store: Store) -> None:
    store.change(Ledger.proved)


def main(folder: Path, *files: Path) -> int:
    """Return the number of killed processes; raises the error of a command after a kill."""
    store, killed = Store(folder), 0
    steps: list[Callable[[Store], object]] = []
    for file in files:
        key = f"wrist@{sha256(file)}"
        steps += [partial(Store.install, file=file), partial(Store.activate, wanted=key), run]
        # A killed run counts as a crash, and two crashes roll back.
        steps += [partial(Store.activate, wanted=key), prove]
    for step in (*steps, Store.roll_back):
        for calls in range(1000):
            pid = os.fork()
            if not pid:
                lock.os = bounded_file.os = stores.os = whole_file.os = Dying(calls)  # type: ignore[assignment, attr-defined]  # stand-in
                with suppress(InputError):  # the killed process may have gone back already
                    step(store)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            active(store)
            if code == 0:
                break
            if code != KILLED:
                raise SystemExit(f"after {calls} calls: {code}")
            killed += 1
    return killed


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:])))
