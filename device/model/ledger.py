"""Which model is active, which was before, and what became of others: pure, and one small file.

A model is named by its key: `waist` for the shipped one, `waist@` and the file's SHA-256 for one
that was installed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

CRASHES: Final = 2
"""Deaths of the daemon in a boot of the machine that goes on: so many roll a model back."""
CUTS: Final = 5
"""Deaths together with the machine, which are hardly ever the model's fault."""
_SCHEMA: Final = 1
_MOST_CHARACTERS: Final = 300
_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}(@[0-9a-f]{64})?")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class LedgerError(ValueError):
    """The bytes are no ledger."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an installed bundle came from."""

    path: str
    date: str
    """UTC, ISO 8601, by the board's clock."""
    signed_by: str | None
    """The public key, in hex; None: no key was configured."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The active model has yet to prove itself."""

    crashes: int = 0
    cuts: int = 0
    boot: str | None = None
    """A start that has not ended well (yet), by the id of the machine's boot."""

    def begun(self, boot: str) -> Self:
        """Note a start; the one before, if it never ended, was a crash or a power cut."""
        died = self.boot is not None
        crashed = died and self.boot == boot
        return replace(
            self, crashes=self.crashes + crashed, cuts=self.cuts + (died and not crashed), boot=boot
        )

    @property
    def verdict(self) -> str | None:
        """Why the model is to be rolled back, if it is."""
        if self.crashes >= CRASHES:
            return f"the daemon crashed {self.crashes} times under it"
        if self.cuts >= CUTS:
            return f"the machine went down {self.cuts} times under it"
        return None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the store remembers."""

    active: str | None = None
    """A key; None: the shipped default, whichever that is."""
    previous: str | None = None
    """The key of the one that last proved itself; None: there is none to go back to."""
    trial: Trial | None = None
    why: str = "the shipped default"
    """In a few words, why the active one is."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """By key, why it was rolled back."""
    installed: Mapping[str, Origin] = field(default_factory=dict)

    def activated(self, key: str, default: str) -> Self:
        """Make `key` the active one, on trial unless it is the one before, which proved itself.

        `default` is the shipped default's key.
        """
        if key == self.previous:
            return self.went_back()
        proven = self.previous if self.trial else (self.active or default)
        failed = {k: v for k, v in self.failed.items() if k not in {key, proven}}
        return replace(
            self, active=key, previous=proven, trial=Trial(), why="activated", failed=failed
        )

    def went_back(self) -> Self:
        """Go back by hand to the previous one, which there must be."""
        left = None if self.trial else self.active
        return replace(
            self, active=self.previous, previous=left, trial=None, why="gone back to by hand"
        )

    def fell_back(self, reason: str) -> Self:
        """Go back because the active one, which is no shipped default, failed."""
        key, reason = str(self.active), plain(reason)
        why = f"{short(key)} was rolled back: {reason}"
        failed = {**self.failed, key: reason}
        return replace(
            self, active=self.previous, previous=None, trial=None, why=why, failed=failed
        )

    def proved(self) -> Self:
        """End the trial well."""
        return replace(self, trial=None)

    def to_json(self) -> bytes:
        """Return the file's bytes."""
        whole = {"schema": _SCHEMA, **asdict(self)}
        return (json.dumps(whole, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read `to_json`; raises LedgerError on anything else."""
        try:
            found = json.loads(content.decode("utf-8"))
            _check_schema(found.pop("schema"))
            trial, installed = found.pop("trial"), found.pop("installed")
            ledger = cls(
                trial=None if trial is None else Trial(**trial),
                installed={key: Origin(**origin) for key, origin in installed.items()},
                **found,
            )
            ledger._check()
        except LedgerError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise LedgerError("it is damaged") from error
        return ledger

    def _check(self) -> None:
        keys: list[Any] = [*self.failed, *self.installed]
        keys += [key for key in (self.active, self.previous) if key is not None]
        texts: list[Any] = [self.why, *self.failed.values()]
        trial = self.trial or Trial()
        counts: list[Any] = [trial.crashes, trial.cuts]
        for origin in self.installed.values():
            texts += [origin.path, origin.date]
            if not (origin.signed_by is None or _HEX.fullmatch(origin.signed_by)):
                raise LedgerError("it is damaged")
        if trial.boot is not None:
            texts.append(trial.boot)
        whole = all(is_key(key) for key in keys) and all(isinstance(text, str) for text in texts)
        if not whole or not all(type(n) is int and 0 <= n <= 1000 for n in counts):
            raise LedgerError("it is damaged")
        if self.trial is not None and self.active is None:
            raise LedgerError("it is damaged")


def _check_schema(found: object) -> None:
    if found != _SCHEMA:
        raise LedgerError("it was written by another version of edgehar")


def plain(text: str) -> str:
    """Return a text that may be shown: one line, no control characters, not endless."""
    return "".join(c if c.isprintable() else " " for c in text[:_MOST_CHARACTERS])


def is_key(text: str) -> bool:
    """Say whether it names a model; only then may it become part of a path."""
    return _KEY.fullmatch(text) is not None


def short(key: str) -> str:
    """Return `waist@1a2b3c4d` for people."""
    name, at, digest = key.partition("@")
    return f"{name}{at}{digest[:8]}"
