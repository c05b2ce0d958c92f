import json
from datetime import date
from pathlib import Path

import pytest

from device.sinks import SinkError
from device.sinks.daily_totals_file import DailyTotalsFile
from tests.device.made_up import HOP_S, WINDOW_S, a_status, decision

DAY = date(2026, 3, 1)


def done(file: DailyTotalsFile, activity: str, windows: int, day: str = "2026-03-01") -> None:
    today = file.read(["walking", "lying"])
    for number in range(windows):
        today.see(decision(100 + number * HOP_S, f"{day}T12:00:00+00:00", activity))


def test_the_next_run_goes_on(tmp_path: Path) -> None:
    for activity in ("walking", "sitting", "walking"):
        file = DailyTotalsFile(tmp_path / "today.json")
        done(file, activity, 11)
        file.close()
    today = DailyTotalsFile(tmp_path / "today.json").read(["walking", "lying"])
    once_s = WINDOW_S + 10 * HOP_S
    assert today.seconds(DAY) == pytest.approx(
        {"walking": 2 * once_s, "sitting": once_s, "lying": 0.0}
    )
    assert today.seconds(date(2026, 3, 2)) == {"walking": 0.0, "lying": 0.0}


def test_a_boot_without_the_right_time_costs_only_itself(tmp_path: Path) -> None:
    for day in ("2026-03-01", "1970-01-01", "2026-03-01"):
        file = DailyTotalsFile(tmp_path / "today.json")
        done(file, "walking", 11, day)
        file.close()
    today = DailyTotalsFile(tmp_path / "today.json").read(["walking"])
    assert today.seconds(DAY) == pytest.approx({"walking": 2 * (WINDOW_S + 10 * HOP_S)})


def test_it_does_not_grow(tmp_path: Path) -> None:
    for day in range(1, 29):
        file = DailyTotalsFile(tmp_path / "today.json")
        done(file, "walking", 2, f"2026-02-{day:02}")
        file.close()
    kept = json.loads((tmp_path / "today.json").read_text())["days"]
    assert list(kept) == ["2026-02-26", "2026-02-27", "2026-02-28"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 1, "days": {"x": {}}}',
     '{"schema": 1, "days": {"2026-03-01": []}}',
     '{"schema": 2, "days": {"2026-03-01": {"walking": 1}}}',
     '{"schema": 1, "days": {"2026-03-01": {"walking": 1e9}}}',
     '{"schema": 1, "days": {"2026-03-01": {"walking": NaN}}}',
     '{"schema": 1, "days": {"2026-03-01": {"walking": 9, "sitting": -1}}}',
     '{"schema": 1, "days": 5}', "[" * 50_000],
)  # fmt: skip
def test_a_damaged_file_is_one_warning_and_an_empty_day(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "today.json"
    path.write_text(text)
    assert DailyTotalsFile(path).read(["walking"]).seconds(DAY) == {"walking": 0.0}
    (record,) = caplog.records
    assert str(path) in record.getMessage()


def test_none_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    DailyTotalsFile(tmp_path / "today.json").read(["walking"])
    assert not caplog.records


def test_a_full_disk_is_told_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.sinks.daily_totals_file.EVERY_S", -1.0)
    file = DailyTotalsFile(tmp_path / "gone" / "today.json")
    for _ in range(2):
        with pytest.raises(SinkError, match=r"gone/today\.json"):
            file.status(a_status())
    (tmp_path / "gone").mkdir()
    done(file, "walking", 1)
    file.status(a_status())
    kept = json.loads((tmp_path / "gone" / "today.json").read_text())["days"]
    assert kept == {"2026-03-01": {"walking": pytest.approx(WINDOW_S)}}
