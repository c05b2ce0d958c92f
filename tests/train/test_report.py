"""The long reports, in short."""

from pathlib import Path

import pytest

from train.report import uci, windows


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
