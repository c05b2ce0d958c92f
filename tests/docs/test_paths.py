"""Files and folders that the pages name exist."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name

TOPS = ("firmware_bridge", "device", "convert", "train", "tests", "docs", "results", "examples")
DIARY = ROOT / "train" / "RECIPES.md"
"""Names files of earlier times."""


def paths(page: Path) -> set[str]:
    """Return paths of this repository, such as device/signal/path.py or tests/docs/."""
    matches = re.findall(rf"(?<![\w/.-])(?:{'|'.join(TOPS)})/[\w./-]*", page.read_text("utf-8"))
    return {path.rstrip(".") for path in matches}


@pytest.mark.parametrize("page", [page for page in PAGES if page != DIARY], ids=name)
def test_paths_that_a_page_names_exist(page: Path) -> None:
    assert not {path for path in paths(page) if not (ROOT / path).exists()}


def test_the_architecture_names_the_rooms(tmp_path: Path) -> None:
    rooms = {path for path in paths(ROOT / "ARCHITECTURE.md") if path.endswith("/")}
    assert {"device/config/", "device/signal/", "train/datasets/"} <= rooms
    page = tmp_path / "page.md"
    page.write_text("`device/nowhere.py`, see [it](docs/CONFIG.md).")
    assert paths(page) == {"device/nowhere.py", "docs/CONFIG.md"}
