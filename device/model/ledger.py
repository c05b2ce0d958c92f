"""The store's record of the active model, the previous one and failed ones; one JSON file.

The key of a shipped model is its name, `waist`; that of an installed one also has the file's
SHA-256, `waist@HASH`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final, Self

CRASHES: Final = 2
"""Number of crashes of the daemon alone after which a model is rolled back."""
CUTS: Final = 5
"""Number of crashes of the whole machine; these are rarely the model's fault."""
_SCHEMA: Final = 1
_MOST_CHARACTERS: Final = 300
_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}(@[0-9a-f]{64})?")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class LedgerError(ValueError):
    """The file is not a ledger."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Source of an installed bundle."""

    path: str
    date: str
    """UTC, ISO 8601, by the board's clock."""
    signed_by: str | None
    """The public key, in hex; None: no key was configured."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Counters of a trial of the active model."""

    crashes: int = 0
    cuts: int = 0
    boot: str | None = None
    """Boot id of the machine at a start that has not ended normally (yet)."""

    def begun(self, boot: str) -> Self:
        """Note a start; if the last start has not ended, count a crash or a power cut."""
        died = self.boot is not None
        crashed = died and self.boot == boot
        return replace(
            self, crashes=self.crashes + crashed, cuts=self.cuts + (died and not crashed), boot=boot
        )

    @property
    def verdict(self) -> str | None:
        """Reason to roll the model back; None: go on."""
        if self.crashes >= CRASHES:
            return f"the daemon crashed {self.crashes} times with this model"
        if self.cuts >= CUTS:
            return f"the machine went down {self.cuts} times with this model"
        return None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Content of the store's state file."""

    active: str | None = None
    """Key of the active model; None: the shipped default."""
    previous: str | None = None
    """Key of the last model that passed its trial; None: no rollback is possible."""
    trial: Trial | None = None
    why: str = "the shipped default"
    """Reason why this model is active, in a few words."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Reason of the rollback, by key."""
    installed: Mapping[str, Origin] = field(default_factory=dict)

    def activated(self, key: str, default: str) -> Self:
        """Activate `key`, on trial unless it is the previous one; `default` is the shipped key."""
        if key == self.previous:
            return self.went_back()
        proven = self.previous if self.trial else (self.active or default)
        failed = {k: v for k, v in self.failed.items() if k not in {key, proven}}
        return replace(
            self, active=key, previous=proven, trial=Trial(), why="activated", failed=failed
        )

    def went_back(self) -> Self:
        """Go back by hand to the previous model, which must exist."""
        left = None if self.trial else self.active
        return replace(
            self, active=self.previous, previous=left, trial=None, why="rolled back by hand"
        )

    def fell_back(self, reason: str) -> Self:
        """Go back because the active model, which is not the shipped default, failed."""
        key, reason = str(self.active), plain(reason)
        why = f"{short(key)} was rolled back: {reason}"
        failed = {**self.failed, key: reason}
        return replace(
            self, active=self.previous, previous=None, trial=None, why=why, failed=failed
        )

    def proved(self) -> Self:
        """End the trial: the model passed."""
        return replace(self, trial=None)

    def to_json(self) -> bytes:
        """Return the file's bytes."""
        whole = {"schema": _SCHEMA, **asdict(self)}
        return (json.dumps(whole, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read the form of `to_json`; raises LedgerError on any other form."""
        try:
            values = json.loads(content.decode("utf-8"))
            _check_schema(values.pop("schema"))
            trial, installed = values.pop("trial"), values.pop("installed")
            ledger = cls(
                trial=None if trial is None else Trial(**trial),
                installed={key: Origin(**origin) for key, origin in installed.items()},
                **values,
            )
            ledger._check()
        except LedgerError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise LedgerError("it is damaged") from error
        return ledger

    def _check(self) -> None:
        trial, origins = self.trial or Trial(), self.installed.values()
        keys = [*self.failed, *self.installed]
        keys += [key for key in (self.active, self.previous) if key is not None]
        texts = [self.why, *self.failed.values(), "" if trial.boot is None else trial.boot]
        texts += [text for origin in origins for text in (origin.path, origin.date)]
        if (
            not all(map(is_key, keys))
            or not all(isinstance(text, str) for text in texts)
            or not all(one.signed_by is None or _HEX.fullmatch(one.signed_by) for one in origins)
            or not all(type(n) is int and 0 <= n <= 1000 for n in (trial.crashes, trial.cuts))
            or (self.trial is not None and self.active is None)
        ):
            raise LedgerError("it is damaged")


def _check_schema(schema: object) -> None:
    if schema != _SCHEMA:
        raise LedgerError("it was written by another version of edgehar")


def plain(text: str) -> str:
    """Return a text that is safe to show: one line, no control characters, 300 characters."""
    return "".join(c if c.isprintable() else " " for c in text[:_MOST_CHARACTERS])


def is_key(text: str) -> bool:
    """Return whether a text is a key; only a key may become part of a path."""
    return _KEY.fullmatch(text) is not None


def short(key: str) -> str:
    """Return a key with a short hash, for messages: `waist@1a2b3c4d`."""
    name, at, digest = key.partition("@")
    return f"{name}{at}{digest[:8]}"
