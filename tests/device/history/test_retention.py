"""Only decisions beyond the limits are deleted, a few at a time."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from device.config.limits import HistoryLimits
from device.history import retention
from tests.device.history import old
from tests.device.history.made_up import Host, Wearer, at

NOON = at("2026-11-21T12:00:00+01:00")
DAY_S = 86400.0
HOUR_S = 3600.0
Limits = Callable[[int], HistoryLimits]


def rows(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT run, number FROM decisions ORDER BY 1, 2").fetchall()


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        found: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        return found


def sparsely(wearer: Wearer, hours: float) -> None:
    """Write a decision every ten minutes, so that a test can write days."""
    for _ in range(round(hours * 6)):
        wearer.host.pass_time(600 - 1.28)
        wearer.spend("walking", 1.28)


def sparse_run(host: Host, path: Path, hours: float, keep_days: int = 90) -> Wearer:
    wearer = Wearer(host, path, HistoryLimits(keep_days=keep_days))
    sparsely(wearer, hours)
    return wearer


def test_what_is_older_goes_and_nothing_else(path: Path) -> None:
    host = Host("boot-1", 50.0, NOON)
    for _ in range(6):
        sparse_run(host, path, 12, keep_days=2).sink.close()
    found = rows(path)
    # Two of three days are left, to the 15 minutes between two marks.
    assert len(found) == pytest.approx(2 * 144, abs=4)
    assert found[-288:] == [(run, n) for run in (3, 4, 5, 6) for n in range(1, 73)]
    assert count(path, "runs") == len({run for run, _ in found})
    assert count(path, "marks") <= len(found) + 1


def test_a_clock_that_is_wrong_for_a_while_makes_nothing_old(path: Path) -> None:
    sparse_run(Host("boot-1", 50.0, NOON), path, 24, keep_days=30).kill()
    host = Host("boot-2", 50.0, at("2099-01-01T00:00:00+01:00"))  # an empty clock battery
    wearer = Wearer(host, path, HistoryLimits(keep_days=30))
    wearer.spend("walking", 0.9 * HOUR_S)
    before = len(rows(path))
    host.set_clock(NOON + 30 * HOUR_S)
    wearer.spend("walking", 2 * HOUR_S)
    wearer.kill()
    assert before == 144 + round(0.9 * HOUR_S / 1.28)
    assert len(rows(path)) == before + round(2 * HOUR_S / 1.28)


def test_a_boot_without_a_clock_is_as_old_as_what_came_after_it(path: Path) -> None:
    sparse_run(Host("boot-1", 50.0, 50.0), path, 12, keep_days=2).kill()  # always in 1970
    wearer = sparse_run(Host("boot-2", 50.0, NOON), path, 36, keep_days=2)
    assert len(rows(path)) == 48 * 6
    sparsely(wearer, 24)
    assert rows(path)[0][0] == 2
    wearer.sink.close()


def test_each_step_is_small(path: Path) -> None:
    host = Host("boot-1", 50.0, NOON)
    sparse_run(host, path, 24 * 20).sink.close()
    host.pass_time(40 * DAY_S)
    wearer = Wearer(host, path, HistoryLimits(keep_days=30))
    wearer.spend("walking", 1.01 * HOUR_S)
    sizes = []
    for _ in range(60):
        wearer.spend("walking", 1.28)
        sizes.append(count(path, "decisions"))
    removed = [before + 1 - after for before, after in pairwise(sizes)]
    assert max(removed) <= retention.ROWS
    host.pass_time(DAY_S)
    wearer.spend("walking", 3 * HOUR_S)
    wearer.sink.close()
    assert {run for run, _ in rows(path)} == {2}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Limits in kB instead of MB, so that a test can reach them."""
    monkeypatch.setattr(retention, "FREE_PAGES", 32)

    def limits(kilobytes: int) -> HistoryLimits:
        monkeypatch.setattr(retention, "_WAL_BYTES", 7_000_000 - 1000 * kilobytes)
        return HistoryLimits(keep_days=36_500, max_mb=7)

    return limits


def test_the_file_stops_growing_and_keeps_the_latest(path: Path, small: Limits) -> None:
    wearer = Wearer(Host("boot-1", 50.0, NOON), path, small(1000))
    most = 0
    for _ in range(30):
        wearer.spend("walking", 500 * 1.28)
        most = max(most, path.stat().st_size)
    assert most < 1_000_000 + retention.FREE_PAGES * 4096
    numbers = [number for _, number in rows(path)]
    assert numbers == list(range(numbers[0], 15_001))
    assert len(numbers) > 3000
    wearer.sink.close()


def test_a_lower_limit_makes_the_file_smaller(path: Path, small: Limits) -> None:
    host = Host("boot-1", 50.0, NOON)
    wearer = Wearer(host, path)
    wearer.spend("walking", 10_000 * 1.28)
    wearer.sink.close()
    before = path.stat().st_size
    wearer = Wearer(host, path, small(600))
    wearer.spend("walking", 300 * 1.28)
    wearer.sink.close()
    assert before > 1_500_000
    assert path.stat().st_size < 600_000 + retention.FREE_PAGES * 4096


def test_a_file_of_an_older_version_keeps_within_the_limit_too(path: Path, small: Limits) -> None:
    old.make(path, 2, decisions=3000)
    wearer = Wearer(Host("boot-1", 50.0, NOON), path, small(600))
    most = 0
    for _ in range(20):
        wearer.spend("walking", 500 * 1.28)
        most = max(most, path.stat().st_size)
    assert most < 700_000
    assert rows(path)[0][0] == 2
    assert rows(path)[-1] == (2, 10_000)
    wearer.sink.close()
