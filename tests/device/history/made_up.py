"""Hosts with simulated clocks, and made-up days of decisions."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from device.config.limits import HistoryLimits
from device.decision.decision import Reason, State
from device.history import query, read_day
from device.history.read_day import Day
from device.host.clock import Reading, utc_text
from device.sinks.sqlite import Sqlite
from tests.device.made_up import decision

HOP_S = 1.28
CHANCES = {"walking": 0.812345, "sitting": 0.1, "standing": 0.087655}
BERLIN = ZoneInfo("Europe/Berlin")
LATER_MS = 4_000_000_000_000


@dataclass(slots=True)
class Host:
    """A host whose clocks a test advances and sets."""

    boot: str | None
    boot_s: float
    utc_s: float

    def now(self) -> Reading:
        return Reading(self.boot, self.boot_s, self.utc_s)

    def pass_time(self, seconds: float) -> None:
        self.boot_s += seconds
        self.utc_s += seconds

    def set_clock(self, utc_s: float) -> None:
        self.utc_s = utc_s


@dataclass(slots=True)
class Wearer:
    """A daemon on a host, and its decisions for a wearer."""

    host: Host
    path: Path
    limits: HistoryLimits = field(default_factory=HistoryLimits)
    sensor_s: float = 100.0
    sink: Sqlite = field(init=False)

    def __post_init__(self) -> None:
        self.sink = Sqlite(self.path, "serial:/dev/ttyUSB0", self.limits, self.host.now)

    def spend(self, what: str, seconds: float) -> None:
        """Add windows of one kind: an activity, `not_worn`, or a reason of `unknown`."""
        state: State = "ok"
        reason: Reason | None = None
        if what == "not_worn":
            state, reason = "not_worn", "still"
        elif what in {"unsure", "mounting"}:
            state, reason = "unknown", "unsure" if what == "unsure" else "mounting"
        for _ in range(round(seconds / HOP_S)):
            self._pass(HOP_S)
            self._say(state, what if state == "ok" else None, reason, self.sensor_s - 2.56)

    def begin(self) -> None:
        """Start a stretch with the warm-up until its first window is complete."""
        self._say("warming_up", None, "start", self.sensor_s, self.sensor_s + 5.12)
        self._pass(5.12)

    def fall_silent(self, seconds: float) -> None:
        """Add a time without samples."""
        last_s = self.sensor_s
        self._pass(5.0)
        self._say("no_data", None, "silence", last_s, last_s + 2.0)
        self._pass(seconds - 5.0)
        self.sink.status(None)

    def kill(self) -> None:
        """End without closing the database."""
        self.sink._let_go()

    def _pass(self, seconds: float) -> None:
        self.host.pass_time(seconds)
        self.sensor_s += seconds

    def _say(
        self,
        state: State,
        activity: str | None,
        reason: Reason | None,
        start_s: float,
        end_s: float | None = None,
    ) -> None:
        end_s = self.sensor_s if end_s is None else end_s
        date_ = datetime.fromtimestamp(self.host.utc_s + end_s - self.sensor_s, UTC)
        made = decision(round(end_s, 6), utc_text(date_), activity, state)
        made = replace(made, start_s=round(start_s, 6), reason=reason, probabilities=CHANCES)
        if state in {"warming_up", "no_data"}:
            made = replace(made, confidence=None, probabilities=None)
        self.sink.write(made)


def day_of(path: Path, day: str, now_ms: int = LATER_MS) -> Day:
    with closing(query.open_to_read(path)) as database:
        return read_day.read(database, date.fromisoformat(day), BERLIN, now_ms)


def seconds(day: Day, what: str) -> float:
    """Return the time of an activity or reason."""
    return sum(piece.ms for piece in day.pieces if piece.what == what) / 1000


def span(day: Day, what: str) -> tuple[float, float]:
    """Return the first and the last moment of an activity or reason, in seconds since 1970."""
    pieces = [piece for piece in day.pieces if piece.what == what]
    return pieces[0].start_ms / 1000, pieces[-1].end_ms / 1000


def at(text: str) -> float:
    """Return seconds since 1970 of a time such as 2026-11-21T07:00:00+01:00."""
    return datetime.fromisoformat(text).timestamp()


def spend_all(wearer: Wearer, plan: Iterable[tuple[str, float]]) -> None:
    """Go through a plan of (activity, state or reason; minutes)."""
    for what, minutes in plan:
        if what == "silent":
            wearer.fall_silent(60 * minutes)
            wearer.begin()
        else:
            wearer.spend(what, 60 * minutes)


def live(host: Host, path: Path, *plan: tuple[str, float], killed: bool = False) -> None:
    """Let a daemon run on a host through a plan, and stop or kill it."""
    wearer = Wearer(host, path)
    spend_all(wearer, plan)
    (wearer.kill if killed else wearer.sink.close)()
