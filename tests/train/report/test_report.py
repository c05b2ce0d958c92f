"""Quick reports: they work, use stored fits again, and write no results."""

from pathlib import Path

import pytest

from train.report import flagship, papers, uci, windows, wrist
from train.results import pages


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_quick_reports_of_waist_networks(data_dir: Path, folder: Path) -> None:
    for subject, rows in (
        (uci, ["float", "int8"]),
        (windows, ["publisher", "our signal path"]),
        (flagship, ["with raw recordings of the training people, int8"]),
    ):
        table = subject.report(data_dir, quick=True)
        for name in rows:
            (row, *_) = [line for line in table.splitlines() if line.startswith(f"| {name}")]
            # Chance is 17 %; two epochs give some 80 to 90.
            assert float(row.split("|")[2].strip().rstrip("%")) > 60
        assert table == subject.report(data_dir, quick=True)  # from stored fits
    assert not pages.FOLDER.exists()
    assert len(list((folder / "runs" / "report").glob("quick*"))) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_quick_report_of_the_papers(data_dir: Path) -> None:
    tables = papers.report(data_dir, quick=True)
    assert tables.count("| CNN_LSTM |") == 2
    assert tables.count("| XGBoost |") == 1
    assert not pages.FOLDER.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_quick_report_of_the_wrist(data_dir: Path) -> None:
    table = wrist.report(data_dir, quick=True, workers=2)
    rows = [line.split("|") for line in table.splitlines()[2:]]
    whole = [row for row in rows if row[1].strip() == "new people of all data sets"]
    # Two people of each data set and few windows; each window alone, chance is 20 %.
    assert float(whole[0][4].strip().rstrip("%")) > 25
    assert table == wrist.report(data_dir, quick=True, workers=2)  # from stored fits
    assert not pages.FOLDER.exists()
