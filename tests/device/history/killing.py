"""A daemon that writes its history as fast as possible and is killed at random times."""

import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np

from device.config.limits import HistoryLimits
from device.decision.decision import Decision
from device.history import retention
from device.host.clock import Reading
from device.sinks.sqlite import Sqlite
from tests.device.killed import killed

MINUTE_S = 60.0
KEPT = HistoryLimits(keep_days=1)
"""At one decision a minute, 1440 stay; older ones are deleted meanwhile."""
_BEGUN_S = 1_795_262_400.0


def decision(number: int) -> Decision:
    chances = {"walking": round(number / 1e6, 6), "sitting": 0.5}
    time_ = f"2026-11-21T00:00:00.{number % 1000:03}Z"
    return Decision(
        number, number + 2.56, time_, "ok", "walking", None, 0.5, chances, number % 3, "m@0"
    )


def write_on(path: Path, told: int, minute: int) -> None:
    """Write decisions, each a minute after the last, and report the number of each."""
    retention.FREE_PAGES = 8  # so that pages are returned too
    retention.SETTLED_S = 2 * MINUTE_S  # a killed daemon has often written less than an hour
    clock = [minute]
    now = lambda: Reading("boot", clock[0] * MINUTE_S, _BEGUN_S + clock[0] * MINUTE_S)  # noqa: E731
    sink = Sqlite(path, "x", KEPT, now)
    for number in count(1):
        clock[0] += 1
        sink.write(decision(number))
        os.write(told, struct.pack("<I", number))


@dataclass(slots=True)
class Victim:
    """A database, and the decisions that it must contain."""

    path: Path
    chance: np.random.Generator
    minute: int = 100
    told: dict[int, int] = field(default_factory=dict)
    """For each run, the last acknowledged number."""
    kills: int = 0

    def kill_one(self, longest_s: float) -> None:
        """Start a daemon, kill it, and check the database; raises AssertionError."""
        # From before the database is open until after many writes.
        after_s = self.chance.random() * longest_s
        said = killed(lambda told: write_on(self.path, told, self.minute), after_s)
        self.kills += 1
        acknowledged = len(said) // 4
        self.minute += acknowledged + 1
        self.look(acknowledged)

    def look(self, acknowledged: int) -> None:
        """Check a copy, so that the next daemon finds the database unchanged."""
        copy = self.path.with_name("copy.db")
        for end in ("", "-wal"):
            left = self.path.with_name(self.path.name + end)
            copy.with_name(copy.name + end).unlink(missing_ok=True)
            if left.exists():
                shutil.copy(left, copy.with_name(copy.name + end))
        if not copy.exists():
            assert not acknowledged
            return
        runs = dict(self._runs(copy))
        new = set(runs) - set(self.told)
        assert len(new) == 1 or not acknowledged
        self.told.update(dict.fromkeys(new, acknowledged))
        for run, last in self.told.items():
            if run in runs:
                assert last <= runs[run][1] <= last + 1, (run, last, runs[run])
            else:
                assert run < min(runs), "only the oldest may be removed"

    @staticmethod
    def _runs(path: Path) -> Iterator[tuple[int, tuple[int, int]]]:
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return
            numbers: dict[int, list[int]] = {}
            for run, number, start_s, chances in database.execute(
                "SELECT run, number, start_s, probabilities FROM decisions ORDER BY run, number"
            ):
                numbers.setdefault(run, []).append(number)
                assert start_s == number
                assert f"{round(number / 1e6, 6)}" in chances
            known = {run for (run,) in database.execute("SELECT run FROM runs")}
            assert set(numbers) <= known
            for run, found in numbers.items():
                assert found == list(range(found[0], found[-1] + 1)), "a hole"
                (mark,) = database.execute(
                    "SELECT min(number) FROM marks WHERE run = ?", (run,)
                ).fetchone()
                assert mark <= found[0], "decisions without a mark"
                yield run, (found[0], found[-1])
