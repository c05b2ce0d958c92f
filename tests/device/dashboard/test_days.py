from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.dashboard import days as days_module
from device.dashboard.days import SHOWN, Days
from device.history import query, read_day
from device.history.day import totals
from tests.device.history.made_up import BERLIN, Host, Wearer, at, spend_all
from tests.waiting import wait_for

MORNING = at("2026-11-20T07:00:00+01:00")


@pytest.fixture
def wearer(tmp_path: Path) -> Iterator[Wearer]:
    """Two days: an hour of decisions yesterday, half an hour today, and silence between."""
    wearer = Wearer(Host("a", 100.0, MORNING), tmp_path / "decisions.db")
    wearer.begin()
    spend_all(wearer, [("sitting", 30), ("walking", 20), ("not_worn", 10), ("silent", 23 * 60)])
    spend_all(wearer, [("sitting", 15), ("unsure", 5), ("walking", 10)])
    wearer.sink.status(None)
    yield wearer
    wearer.sink.close()


@pytest.fixture
def days(wearer: Wearer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    monkeypatch.setattr(days_module, "REST", 0)
    monkeypatch.setattr(days_module, "PAUSE_S", 0.0)
    now = lambda: datetime.fromtimestamp(wearer.host.utc_s, UTC)  # noqa: E731
    with closing(Days(wearer.path, BERLIN, now)) as found:
        yield found


def until(found: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    wait_for(lambda: is_so(found()))
    return found()


def all_read(month: dict[str, Any]) -> bool:
    return all(day["sums"] for day in month["days"])


def test_today_is_what_the_report_says(days: Days) -> None:
    day = until(lambda: days.today()["day"], bool)
    assert day["date"] == "Saturday, 21 November 2026"
    by_name = {lane["name"]: lane for lane in day["lanes"]}
    assert list(by_name) == ["walking", "sitting", "unknown", "warming up", "no data"]
    assert (by_name["walking"]["said"], by_name["sitting"]["said"]) == ("10 min", "15 min")
    assert by_name["no data"]["activity"] is None
    assert day["notes"][0] == "25 min of known activity; all other time is not counted."
    past = round(day["now"] * days_module.COLUMNS)
    assert not any(any(lane["shares"][past + 1 :]) for lane in day["lanes"])


def test_30_days_and_no_state_among_the_activities(days: Days, wearer: Wearer) -> None:
    found = until(days.month, all_read)["days"]
    assert len(found) == SHOWN
    assert (found[0]["date"], found[-1]["date"]) == ("2026-10-23", "2026-11-21")
    yesterday, today = found[-2]["sums"], found[-1]["sums"]
    assert set(yesterday["activities"]) == set(today["activities"]) == {"walking", "sitting"}
    assert set(yesterday["silent"]) == {"not_worn", "no_data", "warming_up"}
    assert set(today["silent"]) == {"unknown", "no_data", "warming_up"}
    now_ms = round(1000 * wearer.host.utc_s)
    with closing(query.open_to_read(wearer.path)) as database:
        day = read_day.read(database, datetime(2026, 11, 20).date(), BERLIN, now_ms)  # noqa: DTZ001
    sums = totals(day.pieces)
    assert yesterday["activities"]["walking"] == sums["ok", "walking"]
    assert yesterday["silent"]["not_worn"] == sums["not_worn", None]
    assert found[0]["sums"] == {"activities": {}, "silent": {}}


def test_a_clock_that_is_set_has_the_days_read_again(days: Days, wearer: Wearer) -> None:
    before = until(days.month, all_read)["days"][-1]["sums"]["activities"]
    wearer.host.set_clock(wearer.host.utc_s + 86400)
    wearer.spend("sitting", 60)
    until(days.month, lambda month: all_read(month) and month["days"][-1]["date"] == "2026-11-22")
    found = days.month()["days"]
    assert found[-1]["sums"]["activities"]["walking"] == pytest.approx(before["walking"], abs=2)
    assert "walking" in found[-2]["sums"]["activities"]  # the former today


def test_no_database_yet_is_said_and_one_that_comes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "decisions.db"
    now = lambda: datetime.fromtimestamp(MORNING + 3600, UTC)  # noqa: E731
    with closing(Days(path, UTC, now)) as days:
        assert "edgehar run --sqlite" in until(lambda: days.today()["trouble"], bool)
        wearer = Wearer(Host("a", 100.0, MORNING), path)
        wearer.spend("walking", 60)
        assert until(lambda: days.today()["day"], bool)["lanes"][0]["name"] == "walking"
        assert days.today()["trouble"] == ""
        wearer.sink.close()


def test_nobody_looks_nothing_is_read(wearer: Wearer) -> None:
    with closing(Days(wearer.path, BERLIN)) as days:
        # The thread reads only after a request.
        assert not days._wanted.is_set()
        assert days._read == {}
