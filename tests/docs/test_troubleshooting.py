"""docs/TROUBLESHOOTING.md quotes what the program says, to the letter."""

import pytest

from tests.docs.quotes import is_said, quoted


def test_it_quotes_enough() -> None:
    assert len(set(quoted())) > 90


@pytest.mark.parametrize("text", dict.fromkeys(quoted()))
def test_what_it_quotes_is_said_somewhere(text: str) -> None:
    assert is_said(text), text


@pytest.mark.parametrize(
    "text", ["waiting for …: not here", "…: nobody comes", "sitting-down", "paho is not there"]
)
def test_what_nobody_says_is_found_out(text: str) -> None:
    assert not is_said(text)
