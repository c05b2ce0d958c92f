"""The long reports, in short."""

from pathlib import Path

import pytest

from train.report import uci, windows, wrist


@pytest.mark.slow
def test_quick_reports_work_and_are_not_kept(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for subject, rows in ((uci, ["float", "int8"]), (windows, ["publisher", "our signal path"])):
        table = subject.report(data_dir, quick=True)
        for name in rows:
            (row, *_) = [line for line in table.splitlines() if line.startswith(f"| {name}")]
            # Chance is 17 %; two epochs give some 80 to 90.
            assert float(row.split("|")[2].strip().rstrip("%")) > 60
        assert table == subject.report(data_dir, quick=True)  # from what the first call kept
    assert not Path("results").exists()
    assert len(list((tmp_path / "runs" / "report").iterdir())) == 3


@pytest.mark.slow
def test_the_quick_wrist_report_works_and_is_not_kept(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = wrist.report(data_dir, quick=True, workers=2)
    rows = [line.split("|") for line in table.splitlines()[2:]]
    whole = [row for row in rows if row[1].strip() == "new people of all data sets"]
    # Two people of each data set and one epoch of few windows; each window alone, chance is 20 %.
    assert float(whole[0][4].strip().rstrip("%")) > 25
    assert table == wrist.report(data_dir, quick=True, workers=2)  # from what the first call kept
    assert not Path("results").exists()
