"""The tables of README.md and docs/ come from results/."""

import json
from pathlib import Path

import pytest

from firmware_bridge.errors import InputError
from train.results import pages
from train.results.config_page import page
from train.results.short_tables import SHORT_TABLES, missed

README = """# Title

<!-- table:one -->
old
<!-- /table -->

text
<!-- table:two -->
<!-- /table -->
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text(README)
    return tmp_path


def test_tables_are_filled_once(here: Path) -> None:
    pages.write("one", {"figure": 1.5}, ["", "accuracy"], [["float", "91%"], ["int8", "90%"]])
    pages.write("two", {}, ["speed"], [["1 s"]])
    assert json.loads((here / "results" / "one.json").read_text())["figure"] == 1.5
    (here / "docs").mkdir()
    guide, config = Path("docs/GUIDE.md"), Path("docs/CONFIG.md")
    guide.write_text(README)
    readme = Path("README.md")
    assert pages.update_pages(check=True) == [readme, config, guide]
    assert readme.read_text() == guide.read_text() == README
    assert not config.exists()
    assert pages.update_pages(check=False) == [readme, config, guide]
    filled = Path("README.md").read_text()
    assert "|  | accuracy |\n| --- | ---: |\n| float | 91% |\n| int8 | 90% |\n" in filled
    assert "old" not in filled
    assert "\n\ntext\n" in filled
    assert guide.read_text() == filled
    assert config.read_text() == page()
    assert pages.update_pages(check=True) == []


def test_a_table_without_results_is_named(here: Path) -> None:
    pages.write("one", {}, ["a"], [["b"]])
    with pytest.raises(InputError, match=r"two\.json"):
        pages.update_pages(check=True)
    assert here.joinpath("README.md").read_text() == README


def test_the_error_without_a_readme_names_the_right_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="root"):
        pages.update_pages(check=True)


def test_the_shipped_results_give_the_short_tables() -> None:
    folder = Path(__file__).parents[3] / "results"
    page_text = "".join(f"<!-- table:{name} -->\n<!-- /table -->\n" for name in SHORT_TABLES)
    filled = pages.render(page_text, folder)
    wrist = json.loads((folder / "wrist.json").read_text())
    for name, figures in wrist["datasets"].items():
        assert f"| {figures['accuracy']:.1%} |" in filled, name
    assert f"| {wrist['people']['all']['accuracy']:.1%} |" in filled
    bench = json.loads((folder / "bench.json").read_text())
    for figure in bench["figures"]:
        assert (f"\n| {figure['what']} |" in filled) is not figure["within"], figure


def test_the_table_of_missed_budgets_has_a_row_for_none() -> None:
    rows = [["x", "1 s", "≤ 2", "5", "1 to 1", "held"], ["y", "1 s", "", "5", "1 to 1", ""]]
    assert missed({"table": {"head": [], "rows": rows}})[1] == [["none", "", ""]]
