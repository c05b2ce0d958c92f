"""Reads today and the last 30 days from the database in the background.

A board takes seconds to read a day of decisions. So a thread reads one day at a time while the page
is open, and rests several times as long as it reads. Past days are read once.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

from device.history import query, read_day
from device.history.day import totals
from device.history.lanes import hours, lanes
from device.history.query import Step
from device.history.read_day import Day
from device.history.summary import duration, summary
from device.history.zone import bounds_ms, to_ms
from firmware_bridge.errors import InputError

SHOWN: Final = 30
COLUMNS: Final = 480
"""Columns of today's picture: 3 minutes each."""
TODAY_EVERY_S: Final = 10.0
WANTED_S: Final = 90.0
"""Time after the last request at which reading stops."""
REST: Final = 9
"""Ratio of rest to reading: at most a tenth of a core is used."""
PAUSE_S: Final = 0.2
_SETTLED_MS: Final = 3_600_000
"""Time after its end from which a day gets no new decisions, unless the clock is set."""

Json = dict[str, Any]
Sums = Mapping[tuple[str, str | None], int]


@dataclass(frozen=True, slots=True)
class _Read:
    sums: Sums
    settled: bool
    at_s: float


class Days:
    """The activities of the days that have been read."""

    def __init__(
        self, db: Path, zone: tzinfo, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._db, self._zone, self._now = db, zone, now
        self._wanted, self._closing = threading.Event(), threading.Event()
        self._requested_s = float("-inf")
        self._today: Json | None = None
        self._read: dict[date, _Read] = {}
        self._steps: list[Step] = []
        self._trouble = ""
        self._thread = threading.Thread(target=self._work, name="days", daemon=True)
        self._thread.start()

    def today(self) -> Json:
        """Return today's picture, or the reason why it is missing."""
        self._request()
        return {"day": self._today, "trouble": self._trouble}

    def month(self) -> Json:
        """Return ms by kind of each of the last days, the latest last; null if not read yet."""
        self._request()
        read = self._read
        days = [
            {
                "date": day.isoformat(),
                "said": f"{day:%a} {day.day} {day:%b}",
                "sums": _by_name(read[day].sums) if day in read else None,
            }
            for day in self._days()
        ]
        return {"days": days, "trouble": self._trouble}

    def close(self) -> None:
        """Stop reading."""
        self._closing.set()
        self._wanted.set()
        self._thread.join(timeout=5.0)

    def _request(self) -> None:
        self._requested_s = time.monotonic()
        self._wanted.set()

    def _days(self) -> list[date]:
        last = self._now().astimezone(self._zone).date()
        return [last - timedelta(days=back) for back in range(SHOWN - 1, -1, -1)]

    def _work(self) -> None:
        while self._wanted.wait() and not self._closing.is_set():
            begun_s = time.monotonic()
            if begun_s - self._requested_s > WANTED_S:
                self._wanted.clear()
                continue
            self._read_next()
            took_s = time.monotonic() - begun_s
            self._closing.wait(max(PAUSE_S if self._due() else 1.0, REST * took_s))

    def _due(self) -> date | None:
        """Return the day to read next, the latest first; None if all are read."""
        now_s = time.monotonic()
        for day in reversed(self._days()):
            read = self._read.get(day)
            if read is None or (not read.settled and now_s - read.at_s > TODAY_EVERY_S):
                return day
        return None

    def _read_next(self) -> None:
        day = self._due()
        if day is None:
            return
        now_ms = to_ms(self._now())
        try:
            with closing(query.open_to_read(self._db)) as database:
                steps = query.steps(database)
                content = read_day.read(database, day, self._zone, now_ms)
        except (InputError, sqlite3.Error) as error:
            self._trouble = " ".join(str(error).split())
            return
        self._trouble = ""
        # A setting of the clock changes the dates of past decisions.
        read = {} if steps != self._steps else dict(self._read)
        self._steps = steps
        settled = now_ms > bounds_ms(day, self._zone)[1] + _SETTLED_MS
        read[day] = _Read(totals(content.pieces), settled, time.monotonic())
        shown = self._days()
        self._read = {one: read[one] for one in shown if one in read}
        if day == shown[-1]:
            self._today = _picture(content, now_ms)


def _picture(day: Day, now_ms: int) -> Json:
    columns = COLUMNS if day.pieces else 0
    length_ms = max(1, day.end_ms - day.start_ms)
    return {
        "date": f"{day.date:%A}, {day.date.day} {day.date:%B %Y}",
        "now": min(1.0, max(0.0, (now_ms - day.start_ms) / length_ms)),
        "hours": [[round(past, 5), hour] for past, hour in hours(day)],
        "lanes": [
            {
                "name": lane.name,
                "activity": lane.activity,
                "said": duration(lane.ms),
                "shares": [round(share, 2) for share in lane.shares],
            }
            for lane in (lanes(day, columns) if columns else [])
        ],
        "notes": summary(day),
    }


def _by_name(sums: Sums) -> Json:
    """Return ms by activity, and ms by state without activity; `off` is left out."""
    activities: dict[str, int] = {}
    silent: dict[str, int] = {}
    for (state, what), ms in sums.items():
        if state == "ok":
            activities[what or "?"] = ms
        elif state != "off":
            silent[state] = silent.get(state, 0) + ms
    return {"activities": activities, "silent": silent}
