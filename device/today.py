"""How long each activity was done today, by the wearer's own calendar. Pure but for the date."""

from collections.abc import Iterable
from datetime import date, datetime

from device.decisions import Decision


class Today:
    """Seconds of each activity since local midnight.

    Only `ok` counts: time that was unknown, not worn, warming up or without data is nobody's.
    Windows overlap, and no second counts twice. What has no date (a recording) is of no day.
    """

    def __init__(self, labels: Iterable[str] = ()) -> None:
        """Take the labels that are to appear even with nothing."""
        self._labels = tuple(labels)
        self._date: date | None = None
        self._seconds: dict[str, float] = {}
        self._until_s = float("-inf")

    def see(self, decision: Decision) -> None:
        """Take the next decision of the stream."""
        start_s, end_s = decision.start_s, decision.end_s
        if start_s is None or end_s is None:
            return
        if end_s < self._until_s:  # the sensor's clock began anew
            self._until_s = start_s
        new_s = end_s - max(start_s, self._until_s)
        self._until_s = end_s
        if decision.state != "ok" or decision.activity is None or decision.time is None:
            return
        self._turn_to(datetime.fromisoformat(decision.time).astimezone().date())
        self._seconds[decision.activity] = self._seconds.get(decision.activity, 0.0) + new_s

    def seconds(self, day: date) -> dict[str, float]:
        """Return the seconds of each activity on a day; nothing is known of days before."""
        found = self._seconds if day == self._date else {}
        return {**dict.fromkeys(self._labels, 0.0), **found}

    def restore(self, day: date, seconds: dict[str, float]) -> None:
        """Go on from what an earlier run found."""
        self._date, self._seconds = day, dict(seconds)

    def _turn_to(self, day: date) -> None:
        if day != self._date:
            self._date, self._seconds = day, {}
