"""A sink that writes the daily totals to a small JSON file, so that they survive a restart."""

import contextlib
import json
import logging
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final

from device.decision.daily_totals import MOST_DAYS, DailyTotals
from device.decision.decision import Decision
from device.sinks import SinkError
from device.sinks.status import Status
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json

log = logging.getLogger(__name__)

NAME: Final = "today.json"
EVERY_S: Final = 120.0
"""Time between two writes, to spare an SD card: a power cut loses at most this much of the day."""
_SCHEMA: Final = 1
_MAX_BYTES: Final = 64 * 1024
_DAY_S: Final = 25 * 3600.0
"""The longest day: the one on which summer time ends."""


class DailyTotalsFile:
    """A sink whose `read` returns the totals that the previous run wrote."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._written_s = time.monotonic()
        self._today = DailyTotals()

    def read(self, labels: Iterable[str]) -> DailyTotals:
        """Return the totals of the day so far; empty, with a warning, if the file is damaged."""
        days: dict[date, dict[str, float]] = {}
        try:
            with self._path.open("rb") as file:
                days = _days(json.loads(file.read(_MAX_BYTES + 1)))
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("daily totals not read from %s: %s", self.name, error.strerror)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            log.warning("daily totals not read from %s: the file is damaged", self.name)
        self._today = DailyTotals(labels, days)
        return self._today

    def write(self, decision: Decision) -> None:
        """Ignore the decision: the observer adds it to the totals, `status` writes them."""

    def status(self, _: Status) -> None:
        """Write the totals every EVERY_S seconds; raises SinkError."""
        if time.monotonic() - self._written_s >= EVERY_S:
            self._write()

    def close(self) -> None:
        """Write the totals a last time."""
        with contextlib.suppress(SinkError):
            self._write()

    def _write(self) -> None:
        days = {day.isoformat(): dict(done_s) for day, done_s in self._today.days.items()}
        try:
            write_json(self._path, {"schema": _SCHEMA, "days": days})
        except InputError as error:
            raise SinkError(str(error)) from error
        self._written_s = time.monotonic()


def _days(content: dict[str, Any]) -> dict[date, dict[str, float]]:
    if content["schema"] != _SCHEMA or len(content["days"]) > MOST_DAYS:
        raise ValueError
    return {date.fromisoformat(day): _seconds(done_s) for day, done_s in content["days"].items()}


def _seconds(by_label: dict[str, Any]) -> dict[str, float]:
    seconds = {str(label): float(done_s) for label, done_s in by_label.items()}
    if not 0 <= sum(seconds.values()) <= _DAY_S or any(done_s < 0 for done_s in seconds.values()):
        raise ValueError
    return seconds
