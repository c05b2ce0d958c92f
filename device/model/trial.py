"""Loads the active model for the daemon, on trial if it is new, and rolls back a bad one.

The start of a daemon with a model on trial is noted before the model runs, and cleared at a normal
end. A start that was not cleared was a crash, or a power cut if the machine has booted since. So
the next start detects a model that crashes the whole process.
"""

import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from device.decision.decision import Decision
from device.host import clock
from device.model import bundle as bundles
from device.model.bundle import Bundle, BundleError
from device.model.classifier import self_test
from device.model.ledger import Ledger, short
from device.model.store import Store, StoreError
from firmware_bridge.errors import EdgeharError

log = logging.getLogger(__name__)

ENOUGH: Final = 300
"""Number of windows in one run that ends the trial: six to seven minutes."""


class Proof:
    """A sink that counts the decisions of the model on trial; enough of them end the trial."""

    name = "trial"

    def __init__(self, store: Store, key: str, lock: int) -> None:
        self._store = store
        self._key = key
        self._lock = lock
        self._windows = 0

    def write(self, decision: Decision) -> None:
        """Count a decision on a classified window."""
        if decision.probabilities is None:
            return
        self._windows += 1
        if self._windows == ENOUGH:
            self._change(Ledger.proved)
            log.info("model %s passed its trial of %d windows", short(self._key), ENOUGH)

    def close(self) -> None:
        """Do nothing: the daemon may still crash."""

    def end(self, *, crashed: bool) -> None:
        """Unlock the trial for other daemons; clear the start unless the daemon crashed."""
        if not crashed:
            self._change(_ended)
        os.close(self._lock)

    def _change(self, step: Callable[[Ledger], Ledger]) -> None:
        try:
            self._store.change(lambda now: step(now) if now.active == self._key else now)
        except StoreError as error:
            log.warning("%s; the model stays on trial", error)


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The model for the daemon."""

    bundle: Bundle
    why: str
    proof: Proof | None
    """None: the model is not on trial, or it is on trial in another daemon."""


@contextmanager
def take_active(store: Store) -> Generator[ActiveModel]:
    """Yield the verified active model for a run of the daemon.

    A BundleError or an unexpected exception counts as a crash; another EdgeharError does not.
    Raises BundleError if even the shipped default fails here, EdgeharError without a runtime.
    """
    ledger, proof = _begin(store)
    crashed = True
    try:
        yield _verified(store, ledger, proof)
        crashed = False
    except (EdgeharError, KeyboardInterrupt, SystemExit) as end:
        crashed = isinstance(end, BundleError)  # the daemon cannot run the model
        raise
    finally:
        if proof is not None:
            proof.end(crashed=crashed)


def active(store: Store) -> Bundle:
    """Load the active model, or the model of a rollback; changes nothing. Raises BundleError."""
    ledger = store.ledger()
    for key in (ledger.active, ledger.previous):
        if key is not None:
            try:
                return store.load(key)
            except BundleError as error:
                log.warning("%s", error)
    return bundles.load(bundles.locate(bundles.shipped_default()))


def _begin(store: Store) -> tuple[Ledger, Proof | None]:
    """Note a start if the active model is on trial, or roll the model back."""
    try:
        ledger = store.ledger()
    except StoreError as error:
        log.warning("%s; the shipped default model is used", error)
        return Ledger(why="the shipped default, because the store cannot be read"), None
    if ledger.trial is None:
        return ledger, None
    lock = None
    try:
        lock = store.try_lock()
        if lock is None:
            return ledger, None
        ledger = store.change(_begun)
    except StoreError as error:
        # A model that runs without a noted start could crash the daemon again and again.
        log.warning("%s; no trial of a new model is possible", error)
        ledger = ledger.fell_back("its start could not be noted")
    if lock is None or ledger.trial is None:
        if lock is not None:
            os.close(lock)
        log.warning("%s", ledger.why)
        return ledger, None
    return ledger, Proof(store, str(ledger.active), lock)


def _verified(store: Store, ledger: Ledger, proof: Proof | None) -> ActiveModel:
    while ledger.active is not None:
        key = ledger.active
        try:
            bundle = store.verified(key)
        except BundleError as error:
            ledger = _given_up(store, ledger, str(error))
            log.warning("%s", ledger.why)
            continue
        return ActiveModel(bundle, ledger.why, None if ledger.trial is None else proof)
    name = bundles.shipped_default()
    bundle = bundles.load(bundles.locate(name))
    self_test(bundle)
    return ActiveModel(bundle, ledger.why, None)


def _given_up(store: Store, ledger: Ledger, reason: str) -> Ledger:
    key = ledger.active
    try:
        store.change(lambda now: now.fell_back(reason) if now.active == key else now)
    except StoreError as error:
        log.warning("%s", error)
    return ledger.fell_back(reason)


def _begun(ledger: Ledger) -> Ledger:
    if ledger.trial is None:
        return ledger
    trial = ledger.trial.begun(clock.boot_id() or "unknown")
    if trial.verdict is not None:
        return ledger.fell_back(trial.verdict)
    return replace(ledger, trial=trial)


def _ended(ledger: Ledger) -> Ledger:
    trial = ledger.trial
    return ledger if trial is None else replace(ledger, trial=replace(trial, boot=None))
