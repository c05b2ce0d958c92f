"""Daily totals: time of each activity per local day. Pure except for the time zone."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

from device.decision.decision import Decision

MOST_DAYS: Final = 3
"""Number of days. A board without a clock battery may boot on a wrong day at first."""
_BACK_S: Final = 10.0
"""A sensor's clock that steps back by more than this has restarted."""


class DailyTotals:
    """Seconds of each activity since local midnight.

    Only decisions with state `ok` and a date count; a recording's have no date. Windows overlap,
    but no second counts twice.
    """

    def __init__(
        self, labels: Iterable[str] = (), days: Mapping[date, Mapping[str, float]] | None = None
    ) -> None:
        """Take the classes that are listed even with 0 s, and the totals of earlier runs."""
        self._labels = tuple(labels)
        self._days = {day: dict(seconds) for day, seconds in (days or {}).items()}
        self._until_s = float("-inf")

    @property
    def days(self) -> Mapping[date, Mapping[str, float]]:
        """The last MOST_DAYS days with an activity, the latest last."""
        return self._days

    def see(self, decision: Decision) -> None:
        """Take the next decision of the stream."""
        start_s, end_s = decision.start_s, decision.end_s
        if start_s is None or end_s is None:
            return
        if end_s < self._until_s - _BACK_S:
            self._until_s = start_s
        new_s = max(0.0, end_s - max(start_s, self._until_s))
        self._until_s = max(end_s, self._until_s)
        if decision.state != "ok" or decision.activity is None or decision.time is None:
            return
        day = datetime.fromisoformat(decision.time).astimezone().date()
        seconds = self._days.pop(day, {})
        seconds[decision.activity] = seconds.get(decision.activity, 0.0) + new_s
        self._days[day] = seconds
        if len(self._days) > MOST_DAYS:
            del self._days[next(iter(self._days))]

    def seconds(self, day: date) -> dict[str, float]:
        """Return the seconds of each activity on a day."""
        return {**dict.fromkeys(self._labels, 0.0), **self._days.get(day, {})}
