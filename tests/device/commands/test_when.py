from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from device.commands import when
from firmware_bridge.errors import InputError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 14, 30, tzinfo=BERLIN)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600)])
def test_a_length(text: str, seconds: int) -> None:
    assert when.last(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5 m",
        "\N{ARABIC-INDIC DIGIT FIVE}m",
        *["5", "m", "-5m", "0s", "5min", "1.5h", "9999999s", "169h"],
    ],
)
def test_a_bad_length_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="90s, 5m or 1h"):
        when.last(text)


def said(since: str, until: str | None, now: datetime = NOW) -> list[str]:
    found = when.between(since, until, now)
    return [datetime.fromtimestamp(s, BERLIN).strftime("%d %H:%M:%S") for s in found]


def test_times_of_day_are_local_and_in_the_past() -> None:
    assert said("14:05", "14:20") == ["21 14:05:00", "21 14:20:00"]
    assert said("14:05:30", None) == ["21 14:05:30", "21 14:30:00"]
    past_midnight = NOW.replace(hour=0, minute=10)
    assert said("23:50", "00:05", past_midnight) == ["20 23:50:00", "21 00:05:00"]
    assert said("15:00", "16:00") == ["20 15:00:00", "20 16:00:00"]


def test_other_days_and_zones() -> None:
    assert said("2026-11-19T23:00", "2026-11-20T01:00") == ["19 23:00:00", "20 01:00:00"]
    assert said("2026-11-21T12:00+00:00", "14:00") == ["21 13:00:00", "21 14:00:00"]
    assert said("yesterday", "yesterday") == ["20 00:00:00", "21 00:00:00"]


def test_daylight_saving_changes_the_length() -> None:
    back = datetime(2026, 10, 25, 12, tzinfo=BERLIN)
    begin_s, end_s = when.between("01:30", "03:30", back)
    assert end_s - begin_s == 3 * 3600
    forward = datetime(2026, 3, 29, 12, tzinfo=BERLIN)
    begin_s, end_s = when.between("01:30", "03:30", forward)
    assert end_s - begin_s == 3600


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("14:20", "14:05", "14:20 is not before 14:05"),
        ("14:20", "14:20", "not before"),
        ("25:00", None, "not a time of a day"),
        ("noon", None, "give 14:05 or 2026-11-21T14:05"),
        ("14:00", "2026-11-21T18:00", "is in the future"),
        ("2026-11-01", None, "over 7 days"),
    ],
)
def test_a_bad_time_is_refused(since: str, until: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        when.between(since, until, NOW)
