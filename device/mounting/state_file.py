"""The mounting found, kept over a restart of the daemon: one small JSON file."""

import json
import logging
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from device.mounting.estimator import MountingEstimator
from device.mounting.spec import MountingSpec
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json

log = logging.getLogger(__name__)

EVERY_S: Final = 600.0
"""Between two writes, to spare an SD card."""
_SCHEMA: Final = 1
_MAX_BYTES: Final = 64 * 1024


class MountingFile:
    """A file for one sensor on one wearer with one model. It may be unfit; that is never fatal."""

    def __init__(self, path: Path, source: str, model: str, spec: MountingSpec) -> None:
        """Take the names of the source and the model: another's mounting is not taken over."""
        self._path = path
        self._of = {
            "schema": _SCHEMA,
            "source": source,
            "model": model,
            "estimate": spec.to_dict(),
        }
        self._spec = spec
        self._written_s: float | None = None
        self._failed = False

    def read(self, rate_hz: float) -> MountingEstimator | None:
        """Return what to go on from; None if there is none that fits, which is warned of."""
        try:
            with self._path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
            found = json.loads(raw.decode("utf-8"))
            return self._resumed(found, rate_hz)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or "it cannot be read"
        except (ValueError, RecursionError):
            reason = "it is damaged"
        except InputError as error:
            reason = str(error)
        log.warning("mounting not taken from %s: %s; it will be found anew", self._path, reason)
        return None

    def note(self, orientation: MountingEstimator, now_s: float) -> None:
        """Write if it is known and this is news, or EVERY_S seconds after the last time."""
        due = orientation.known and self._written_s is None
        if due or (self._written_s is not None and now_s - self._written_s >= EVERY_S):
            self._written_s = now_s
            self._write(orientation)

    def close(self, orientation: MountingEstimator) -> None:
        """Write what is known at the end."""
        if orientation.known or self._written_s is not None:
            self._write(orientation)

    def _resumed(self, found: Any, rate_hz: float) -> MountingEstimator:
        if not isinstance(found, dict) or not isinstance(found.get("mounting"), dict):
            raise InputError("it is not a mounting that edgehar kept")
        for key, value in self._of.items():
            if found.get(key) != value:
                raise InputError(f"it is of another {key}")
        orientation = MountingEstimator(self._spec, rate_hz, found["mounting"])
        saved = datetime.fromisoformat(found.get("saved") or "")
        if saved.tzinfo is None:
            raise InputError("it does not say when it was written")
        age_s = (datetime.now(UTC) - saved).total_seconds()
        # A clock that went back (a board without a battery for it) says nothing about the time.
        orientation.silence(age_s if age_s >= 0 else math.inf)
        return orientation

    def _write(self, orientation: MountingEstimator) -> None:
        saved = datetime.now(UTC).isoformat(timespec="seconds")
        whole = {**self._of, "saved": saved, "mounting": orientation.to_state()}
        try:
            write_json(self._path, whole)
        except InputError as error:
            if not self._failed:
                log.error("%s; continuing without it", error)  # noqa: TRY400 -- one line, no traceback
            self._failed = True
            return
        self._failed = False
