"""Daemons killed at any moment, and logs of which the end was never on the disk."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from device.sinks.sqlite import Sqlite
from tests.device.history.killing import Victim, decision


def kill_many(folder: Path, kills: int, seed: int, longest_s: float) -> Victim:
    victim = Victim(folder / "d.db", np.random.default_rng(seed))
    for _ in range(kills):
        victim.kill_one(longest_s)
    return victim


@pytest.mark.slow
def test_killed_at_any_moment_it_keeps_what_it_had_said(tmp_path: Path) -> None:
    victim = kill_many(tmp_path, 200, seed=1, longest_s=0.02)
    while sum(victim.told.values()) <= 2000:  # a busy machine lets it say little before it dies
        victim.kill_one(0.02)
    with closing(sqlite3.connect(victim.path)) as database:
        (kept,) = database.execute("SELECT count(*) FROM decisions").fetchone()
    assert kept < 2500  # a day and what had no time to go: so it was killed while removing, too


@pytest.mark.slow
def test_killed_thousands_of_times(tmp_path: Path) -> None:
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kill_many(folder, 200, seed, longest_s=0.03)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies there after 300 decisions and no checkpoint: all that it has is in the log."""
    folder = tmp_path_factory.mktemp("left")
    sink = Sqlite(folder / "open.db", "x")
    for number in range(1, 301):
        sink.write(decision(number))
    for end in ("", "-wal"):
        shutil.copy(folder / f"open.db{end}", folder / f"d.db{end}")
    sink.close()
    return folder / "d.db"


def after_power_cut(left: Path, folder: Path, log: bytes) -> list[int]:
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
    return [number for run, number in rows if run != newest]


def test_a_log_that_lost_its_end_loses_the_last_decisions_and_no_other(
    left: Path, tmp_path: Path
) -> None:
    log = left.with_name("d.db-wal").read_bytes()
    chance = np.random.default_rng(2)
    kept = []
    for cut in sorted(chance.integers(len(log) + 1, size=80).tolist()):
        numbers = after_power_cut(left, tmp_path, log[:cut])
        assert numbers == list(range(1, len(numbers) + 1))
        kept.append(len(numbers))
    assert kept == sorted(kept)
    assert kept[0] < 20
    assert kept[-1] > 280


def test_a_log_with_garbage_at_its_end_loses_the_last_decisions_and_no_other(
    left: Path, tmp_path: Path
) -> None:
    log = left.with_name("d.db-wal").read_bytes()
    chance = np.random.default_rng(3)
    for _ in range(60):
        # File systems leave zeros, old blocks, or a block that was half written.
        cut = int(chance.integers(len(log)))
        rest = len(log) - cut
        tail = (bytes(rest), chance.bytes(rest), log[:rest])[chance.integers(3)]
        numbers = after_power_cut(left, tmp_path, log[:cut] + tail)
        assert numbers == list(range(1, len(numbers) + 1))
