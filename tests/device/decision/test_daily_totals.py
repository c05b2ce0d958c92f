import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.decision.daily_totals import DailyTotals
from device.decision.decision import State
from tests.device.made_up import HOP_S, WINDOW_S, decision


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(seconds: float, hour: int = 12) -> str:
    start = datetime(2026, 3, 1, hour, tzinfo=UTC).timestamp()
    return datetime.fromtimestamp(start + seconds, UTC).isoformat().replace("+00:00", "Z")


@given(st.lists(st.sampled_from(["ok", "unknown", "no_data", "warming_up", "not_worn"])))
def test_no_second_counts_twice_and_only_ok_counts(states: list[State]) -> None:
    today = DailyTotals(["walking", "sitting"])
    ok_s, before_s = 0.0, 0.0
    for number, state in enumerate(states):
        end_s = WINDOW_S + number * HOP_S
        today.see(decision(end_s, at(end_s), "walking" if state == "ok" else None, state))
        ok_s += (end_s - before_s) * (state == "ok")
        before_s = end_s
    day = datetime.fromisoformat(at(0)).astimezone().date()
    assert today.seconds(day)["walking"] == pytest.approx(ok_s)
    assert today.seconds(day)["sitting"] == 0


@pytest.mark.usefixtures("utc")
def test_a_new_day_begins_at_local_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    berlin = ZoneInfo("Europe/Berlin")
    midnight = datetime(2026, 7, 2, tzinfo=berlin)
    today = DailyTotals(["walking"])
    for number in range(-10, 11):
        moment = datetime.fromtimestamp(midnight.timestamp() + number * HOP_S + 0.5, UTC)
        today.see(decision(100 + number * HOP_S, moment.isoformat()))
    assert today.seconds(date(2026, 7, 2))["walking"] == pytest.approx(11 * HOP_S)
    before = today.seconds(date(2026, 7, 1))
    assert before["walking"] == pytest.approx(WINDOW_S + 9 * HOP_S)
    assert today.seconds(date(2026, 7, 3)) == {"walking": 0.0}


@pytest.mark.usefixtures("utc")
def test_a_sensor_that_restarts_its_clock_goes_on_counting() -> None:
    today = DailyTotals(["walking"])
    for number in range(10):
        today.see(decision(5000 + number * HOP_S, at(number)))
    for number in range(10):
        today.see(decision(10 + number * HOP_S, at(10 + number)))
    assert today.seconds(date(2026, 3, 1))["walking"] == pytest.approx(2 * (WINDOW_S + 9 * HOP_S))


def test_late_samples_count_once() -> None:
    today, day = DailyTotals(["walking"]), datetime.fromisoformat(at(0)).astimezone().date()
    today.see(decision(10.0, at(0)))
    today.see(decision(14.0, at(4), None, "no_data"))
    for number in range(8):
        today.see(decision(10.0 + (number + 1) * HOP_S, at(5 + number)))
    assert today.seconds(day)["walking"] <= WINDOW_S + 8 * HOP_S


def test_a_decision_without_date_counts_for_no_day() -> None:
    today = DailyTotals(["walking"])
    today.see(decision(10.0, None))
    assert today.seconds(datetime.now().astimezone().date()) == {"walking": 0.0}
