"""Killed daemons, and logs whose end was not on the disk at a power cut."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from device.sinks.sqlite import Sqlite
from tests.device.history.killing import Victim, decision


@pytest.mark.slow
def test_killed_at_any_moment_it_keeps_what_it_had_said(tmp_path: Path) -> None:
    victim = Victim(tmp_path / "d.db", np.random.default_rng(1))
    while victim.kills < 200 or sum(victim.told.values()) <= 2000:
        victim.kill_one(0.02)
    with closing(sqlite3.connect(victim.path)) as database:
        (kept,) = database.execute("SELECT count(*) FROM decisions").fetchone()
    assert kept < 2500  # about a day: so the daemon was also killed while it deleted


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database after 300 decisions without a checkpoint: all of them are in the log."""
    folder = tmp_path_factory.mktemp("left")
    sink = Sqlite(folder / "open.db", "x")
    for number in range(1, 301):
        sink.write(decision(number))
    for end in ("", "-wal"):
        shutil.copy(folder / f"open.db{end}", folder / f"d.db{end}")
    sink.close()
    return folder / "d.db"


def after_power_cut(left: Path, folder: Path, log: bytes) -> int:
    """Return how many decisions are left; raise AssertionError if others than the last are lost."""
    path = folder / "d.db"
    shutil.copy(left, path)
    path.with_name("d.db-shm").unlink(missing_ok=True)
    path.with_name("d.db-wal").write_bytes(log)
    sink = Sqlite(path, "x")  # the next daemon
    sink.write(decision(1))
    sink.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = database.execute("SELECT run, number FROM decisions ORDER BY 1, 2").fetchall()
    newest = max(run for run, _ in rows)
    assert (newest, 1) in rows
    numbers = [number for run, number in rows if run != newest]
    assert numbers == list(range(1, len(numbers) + 1))
    return len(numbers)


def test_a_log_that_lost_its_end_loses_the_last_decisions_and_no_other(
    left: Path, tmp_path: Path
) -> None:
    log = left.with_name("d.db-wal").read_bytes()
    chance = np.random.default_rng(2)
    kept = []
    for cut in sorted(chance.integers(len(log) + 1, size=80).tolist()):
        kept.append(after_power_cut(left, tmp_path, log[:cut]))
        # File systems leave zeros, old blocks, or a block that was half written.
        rest = len(log) - cut
        tail = (bytes(rest), chance.bytes(rest), log[:rest])[chance.integers(3)]
        after_power_cut(left, tmp_path, log[:cut] + tail)
    assert kept == sorted(kept)
    assert kept[0] < 20
    assert kept[-1] > 280
