"""State file of the mounting, kept over a restart of the daemon: one small JSON file."""

import json
import logging
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from device.mounting.estimator import MountingEstimator
from device.mounting.frame import NOT_A_MOUNTING
from device.mounting.spec import MountingSpec
from firmware_bridge import bounded_file
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json

log = logging.getLogger(__name__)

EVERY_S: Final = 600.0
"""Time between two writes, to spare an SD card."""
_SCHEMA: Final = 1
_MAX_BYTES: Final = 64 * 1024


class MountingFile:
    """File for one sensor on one wearer with one model. A damaged file is never fatal."""

    def __init__(self, path: Path, source: str, model: str, spec: MountingSpec) -> None:
        """Take the names of the source and the model; a mounting saved for others is not used."""
        self._path = path
        self._of = {"schema": _SCHEMA, "source": source, "model": model, "estimate": spec.to_dict()}
        self._spec = spec
        self._written_s: float | None = None
        self._failed = False

    def read(self, rate_hz: float) -> MountingEstimator | None:
        """Return the saved estimator; None, with a warning, if the file cannot be used."""
        try:
            raw = bounded_file.read(self._path, _MAX_BYTES)
            return self._resumed(json.loads(raw.decode("utf-8")), rate_hz)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or "the file cannot be read"
        except (ValueError, RecursionError):
            reason = "the file is damaged"
        except InputError as error:
            reason = str(error)
        log.warning("mounting not read from %s: %s; it is estimated again", self._path, reason)
        return None

    def note(self, estimator: MountingEstimator, now_s: float) -> None:
        """Write the mounting when it becomes known, then every EVERY_S seconds."""
        due = estimator.known and self._written_s is None
        if due or (self._written_s is not None and now_s - self._written_s >= EVERY_S):
            self._written_s = now_s
            self._write(estimator)

    def close(self, estimator: MountingEstimator) -> None:
        """Write the mounting at the end of a run."""
        if estimator.known or self._written_s is not None:
            self._write(estimator)

    def _resumed(self, content: Any, rate_hz: float) -> MountingEstimator:
        if not isinstance(content, dict) or not isinstance(content.get("mounting"), dict):
            raise InputError(NOT_A_MOUNTING)
        for key, value in self._of.items():
            if content.get(key) != value:
                raise InputError(f"it was saved for a different {key}")
        estimator = MountingEstimator(self._spec, rate_hz, content["mounting"])
        saved = datetime.fromisoformat(content.get("saved") or "")
        if saved.tzinfo is None:
            raise InputError("the file has no date")
        age_s = (datetime.now(UTC) - saved).total_seconds()
        # If the clock went back (a board without a clock battery), the age is unknown.
        estimator.silence(age_s if age_s >= 0 else math.inf)
        return estimator

    def _write(self, estimator: MountingEstimator) -> None:
        saved = datetime.now(UTC).isoformat(timespec="seconds")
        content = {**self._of, "saved": saved, "mounting": estimator.to_state()}
        try:
            write_json(self._path, content)
        except InputError as error:
            if not self._failed:
                log.error("%s; continuing without it", error)  # noqa: TRY400 -- one line, no traceback
            self._failed = True
            return
        self._failed = False
