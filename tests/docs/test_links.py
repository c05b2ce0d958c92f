"""Links, files and folders in the pages exist."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name, prose

TOPS = ("firmware_bridge", "device", "convert", "train", "tests", "docs", "results", "examples")
DIARY = ROOT / "train" / "RECIPES.md"
"""Names files of earlier times."""


def anchors(page: Path) -> set[str]:
    """Return the anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.strip()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_is_reachable_from_the_readme() -> None:
    seen, ahead = set[Path](), [PAGES[0]]
    while ahead:
        page = ahead.pop()
        seen.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)", prose(page))
        ahead += [
            there for target in targets
            if (there := (page.parent / target).resolve()) in PAGES and there not in seen
        ]  # fmt: skip
    assert set(PAGES) == seen


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
