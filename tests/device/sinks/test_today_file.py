import json
from datetime import date
from pathlib import Path

import pytest

from device.sinks import SinkError
from device.sinks.today_file import TodayFile
from device.status import Status
from tests.device.made_up import a_status

DAY = date(2026, 3, 1)


def status(**seconds: float) -> Status:
    return a_status(today=DAY.isoformat(), today_s=seconds)


def test_the_next_run_goes_on(tmp_path: Path) -> None:
    file = TodayFile(tmp_path / "today.json")
    file.status(status(walking=90.0, sitting=5.0))
    file.close()
    today = TodayFile(tmp_path / "today.json").read(["walking", "lying"])
    assert today.seconds(DAY) == {"walking": 90.0, "sitting": 5.0, "lying": 0.0}
    assert today.seconds(date(2026, 3, 2)) == {"walking": 0.0, "lying": 0.0}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 1, "date": "x", "seconds": {}}',
     '{"schema": 1, "date": "2026-03-01", "seconds": []}',
     '{"schema": 2, "date": "2026-03-01", "seconds": {"walking": 1}}',
     '{"schema": 1, "date": "2026-03-01", "seconds": {"walking": 1e9}}',
     '{"schema": 1, "date": "2026-03-01", "seconds": {"walking": NaN}}',
     '{"schema": 1, "date": "2026-03-01", "seconds": {"walking": 9, "sitting": -1}}',
     '{"schema": 1, "date": 5, "seconds": {}}', "[" * 50_000],
)  # fmt: skip
def test_a_damaged_file_is_one_warning_and_an_empty_day(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "today.json"
    path.write_text(text)
    assert TodayFile(path).read(["walking"]).seconds(DAY) == {"walking": 0.0}
    (record,) = caplog.records
    assert str(path) in record.getMessage()


def test_none_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    TodayFile(tmp_path / "today.json").read(["walking"])
    assert not caplog.records


def test_a_full_disk_is_told_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.sinks.today_file.EVERY_S", -1.0)
    file = TodayFile(tmp_path / "gone" / "today.json")
    for _ in range(2):
        with pytest.raises(SinkError, match=r"gone/today\.json"):
            file.status(status(walking=1.0))
    (tmp_path / "gone").mkdir()
    file.status(status(walking=2.0))
    assert json.loads((tmp_path / "gone" / "today.json").read_text())["seconds"] == {"walking": 2.0}
