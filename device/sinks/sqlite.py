"""Writes decisions to an SQLite database, one commit each: a kill loses at most one decision.

WAL mode lets others read at any time. `synchronous = NORMAL` spares an SD card a flush at every
decision: a power cut may lose the last decisions, which the kernel has not written yet, but never
the database.
"""

import contextlib
import json
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from device.config.limits import HistoryLimits
from device.decision.decision import Decision, to_json
from device.history import schema
from device.history.retention import Retention
from device.host import clock
from device.host.clock import Reading
from device.sinks import SinkError
from firmware_bridge.errors import InputError

BACKLOG = 1000
"""Decisions in memory while the disk is full: 21 minutes at one each 1.28 s."""
AT_WORK_EVERY_S = 60.0
"""Interval of the note that the daemon is running, for times without decisions."""

_START = "INSERT INTO runs (started, source, boot) VALUES (?, ?, ?)"
_MARK = "INSERT OR IGNORE INTO marks (run, number, boot_s, offset_s) VALUES (?, ?, ?, ?)"
# Runs of one boot share the host's clock, so a correction applies to the earlier runs too.
_SET = "UPDATE runs SET offset_s = ? WHERE run = ? OR boot = ?"
_AT_WORK = "UPDATE runs SET until_s = ? WHERE run = ?"
_COLUMNS = ("run", "number", *(field.name for field in fields(Decision)))
_INSERT = (
    f"INSERT OR IGNORE INTO decisions ({', '.join(_COLUMNS)})"  # noqa: S608 -- names of our own
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)


class Sqlite:
    """One run's decisions in a database file, created if missing."""

    def __init__(
        self,
        path: Path,
        source: str,
        limits: HistoryLimits | None = None,
        now: Callable[[], Reading] = clock.read,
    ) -> None:
        """Open the database; raises InputError if the file cannot be used.

        A full disk is no error here: `write` tries again.
        """
        self.name = str(path)
        self._source, self._now = source, now
        self._run_id: int | None = None
        self._number = 0
        self._waiting: deque[tuple[object, ...]] = deque(maxlen=BACKLOG)
        self._marks: deque[tuple[int, Reading]] = deque(maxlen=BACKLOG)
        self._marked: Reading | None = None
        self._noted_s = float("-inf")
        self._retention = Retention(limits or HistoryLimits())
        self._database: sqlite3.Connection | None = None
        try:
            self._database = self._open()
        except sqlite3.Error as error:
            reason = schema.UNUSABLE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if reason:
                raise InputError(f"{path} {reason}") from error

    @property
    def queued(self) -> int:
        """Number of decisions that wait to be written."""
        return len(self._waiting)

    def write(self, decision: Decision) -> None:
        """Write and commit the decision and those that wait; raises SinkError."""
        now = self._now()
        self._number += 1
        self._waiting.append((self._number, *_row(decision)))
        if self._is_mark_due(now):
            self._marks.append((self._number, now))
            self._marked = now
        try:
            self._database = self._database or self._open()
            with self._database as transaction:
                run_id = self._run_id or self._start(transaction)
                self._write_marks(transaction, run_id)
                transaction.executemany(_INSERT, ((run_id, *row) for row in self._waiting))
            self._run_id, self._noted_s = run_id, now.boot_s
            self._waiting.clear()
            self._marks.clear()
            self._retention.step(self._database, now)
        except sqlite3.Error as error:
            self._let_go()  # after an I/O error only a new connection recovers reliably
            raise SinkError(f"cannot write decisions to {self.name}: {error}") from error

    def status(self, _: object) -> None:
        """Note once a minute that the daemon is running."""
        now = self._now()
        if now.boot_s >= self._noted_s + AT_WORK_EVERY_S:
            self._note_at_work(now)

    def close(self) -> None:
        """Close the database; every write is committed already."""
        self._note_at_work(self._now())
        self._let_go()

    def _is_mark_due(self, now: Reading) -> bool:
        marked = self._marked
        return (
            marked is None
            or clock.stepped(marked.offset_s, now)
            or now.boot_s >= marked.boot_s + clock.MARK_EVERY_S
        )

    def _start(self, transaction: sqlite3.Connection) -> int:
        _, first = self._marks[0]
        started = datetime.fromtimestamp(first.utc_s, UTC).isoformat(timespec="seconds")
        run_id = transaction.execute(_START, (started, self._source, first.boot)).lastrowid
        assert run_id is not None  # noqa: S101 -- it was an INSERT
        return run_id

    def _write_marks(self, transaction: sqlite3.Connection, run_id: int) -> None:
        for number, mark in self._marks:
            transaction.execute(_MARK, (run_id, number, mark.boot_s, mark.offset_s))
            transaction.execute(_SET, (mark.offset_s, run_id, mark.boot))

    def _note_at_work(self, now: Reading) -> None:
        self._noted_s = now.boot_s
        if self._database is not None and self._run_id is not None:
            # An error shows up in `write` too, which reports it.
            with contextlib.suppress(sqlite3.Error), self._database as transaction:
                transaction.execute(_AT_WORK, (now.boot_s, self._run_id))

    def _let_go(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):  # a checkpoint that a full disk refuses
                self._database.close()
            self._database = None

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.name, timeout=0.5)
        try:
            schema.prepare_to_write(database, self.name)
        except BaseException:
            database.close()
            raise
        return database


def _row(decision: Decision) -> tuple[object, ...]:
    """Return the values of the JSON line, so that both agree to the last digit."""
    values = json.loads(to_json(decision))
    probabilities = values["probabilities"]
    return tuple({**values, "probabilities": probabilities and json.dumps(probabilities)}.values())
