"""The daemon's side of the store: takes the active model, tries a new one, falls back from a bad.

A start under a model on trial is noted before the model runs, and crossed out when the daemon ends
of its own will. A start that was never crossed out was a crash; a power cut, if the machine has
booted since. So a model that takes the whole process down is found out at the next start.
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
"""Windows classified in one run that prove a model: six to seven minutes of a sensor at work."""


class Proof:
    """Counts what the model on trial decides, as a sink; enough of it ends the trial."""

    name = "trial"

    def __init__(self, store: Store, key: str, held: int) -> None:
        self._store = store
        self._key = key
        self._held = held
        self._windows = 0

    def write(self, decision: Decision) -> None:
        """Take one decision."""
        if decision.probabilities is None:
            return
        self._windows += 1
        if self._windows == ENOUGH:
            self._change(Ledger.proved)
            log.info("model %s has proved itself in %d windows", short(self._key), ENOUGH)

    def close(self) -> None:
        """Do nothing: what comes after may still crash."""

    def ended(self) -> None:
        """Cross out the start, for the daemon ends of its own will."""
        self._change(_ended)

    def release(self) -> None:
        """Let other daemons try the model."""
        os.close(self._held)

    def _change(self, step: Callable[[Ledger], Ledger]) -> None:
        try:
            self._store.change(lambda now: step(now) if now.active == self._key else now)
        except StoreError as error:
            log.warning("%s; the model stays on trial", error)


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The model that the daemon is to run."""

    bundle: Bundle
    why: str
    proof: Proof | None
    """None: it is not on trial, or another daemon tries it."""


@contextmanager
def take_active(store: Store) -> Generator[ActiveModel]:
    """Take the active model, verified, for as long as the daemon runs.

    No error, or an EdgeharError that is no BundleError, says nothing against the model.
    Raises BundleError if not even the shipped default works here, EdgeharError without a runtime.
    """
    found, proof = _begin(store)
    try:
        yield _verified(store, found, proof)
    except BundleError:  # the daemon cannot honour it
        raise
    except (EdgeharError, KeyboardInterrupt, SystemExit):
        _end(proof)
        raise
    else:
        _end(proof)
    finally:
        if proof is not None:
            proof.release()


def active(store: Store) -> Bundle:
    """Load the active model, or what it would fall back to; nothing is tried or noted."""
    ledger = store.ledger()
    for key in (ledger.active, ledger.previous):
        if key is not None:
            try:
                return store.load(key)
            except BundleError as error:
                log.warning("%s", error)
    return bundles.load(bundles.locate(bundles.shipped_default()))


def _end(proof: Proof | None) -> None:
    if proof is not None:
        proof.ended()


def _begin(store: Store) -> tuple[Ledger, Proof | None]:
    """Note a start, if the active model is on trial, or give the model up."""
    try:
        ledger = store.ledger()
    except StoreError as error:
        log.warning("%s; taking the shipped default model", error)
        return Ledger(why="the shipped default, for the store cannot be read"), None
    if ledger.trial is None:
        return ledger, None
    held = None
    try:
        held = store.try_lock()
        if held is None:
            return ledger, None
        ledger = store.change(_begun)
    except StoreError as error:
        # Run all the same, it could take the daemon down again and again.
        log.warning("%s; so no new model can be tried", error)
        ledger = ledger.fell_back("its start could not be noted")
    if held is None or ledger.trial is None:
        if held is not None:
            os.close(held)
        log.warning("%s", ledger.why)
        return ledger, None
    return ledger, Proof(store, str(ledger.active), held)


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
