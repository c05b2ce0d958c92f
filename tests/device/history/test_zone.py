from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.history.zone import bounds_ms, local_zone, to_local
from firmware_bridge.errors import InputError

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-28", "Europe/Berlin", 24),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-03-30", "Europe/Berlin", 24),
        ("2026-10-24", "Europe/Berlin", 24),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-10-26", "Europe/Berlin", 24),
        ("2026-03-29", "UTC", 24),
        ("2026-09-06", "America/Santiago", 23),  # has no midnight
        ("2026-04-04", "America/Santiago", 25),  # has 23:00 twice
        ("2026-10-04", "Australia/Lord_Howe", 23.5),
        ("2011-12-30", "Pacific/Apia", 0),  # Samoa skipped this day
    ],
)
def test_a_day_is_as_long_as_it_is_there(day: str, zone: str, hours: float) -> None:
    start_ms, end_ms = bounds_ms(date.fromisoformat(day), ZoneInfo(zone))
    assert end_ms - start_ms == hours * HOUR_MS
    if hours:
        assert to_local(start_ms, ZoneInfo(zone)).date() == date.fromisoformat(day)
        assert to_local(end_ms - 1, ZoneInfo(zone)).date() == date.fromisoformat(day)


zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Chatham"]
).map(ZoneInfo)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), zones)  # noqa: DTZ001 -- made UTC
def test_every_moment_is_in_the_day_that_the_wall_shows(moment: datetime, zone: ZoneInfo) -> None:
    at_ms = int(moment.replace(tzinfo=UTC).timestamp()) * 1000
    start_ms, end_ms = bounds_ms(to_local(at_ms, zone).date(), zone)
    assert start_ms <= at_ms < end_ms


@pytest.mark.parametrize("name", ["Europe/Berlin", ":Europe/Berlin"])
def test_the_zone_is_that_of_tz(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    assert bounds_ms(date(2026, 10, 25), local_zone())[0] == 1_792_879_200_000


@pytest.mark.parametrize("name", ["Nowhere/Else", "../../etc/passwd", "CET-1CEST", "x" * 5000])
def test_a_zone_that_there_is_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    with pytest.raises(InputError, match="TZ=Europe/Berlin"):
        local_zone()


def test_a_host_without_a_zone_is_at_utc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr("device.history.zone._LOCAL", tmp_path / "none")
    assert local_zone() is UTC
