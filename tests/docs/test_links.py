"""The target of each link exists, including its heading."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, name, prose


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
