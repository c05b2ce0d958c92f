"""docs/TROUBLESHOOTING.md quotes the program exactly."""

import pytest

from tests.docs.quotes import is_text_of_the_program, quoted


def test_it_quotes_enough() -> None:
    assert len(set(quoted())) > 90


@pytest.mark.parametrize("text", dict.fromkeys(quoted()))
def test_a_quotation_is_a_text_of_the_program(text: str) -> None:
    assert is_text_of_the_program(text), text


@pytest.mark.parametrize(
    "text", ["waiting for …: not here", "…: nobody comes", "sitting-down", "paho is not there"]
)
def test_another_text_is_not(text: str) -> None:
    assert not is_text_of_the_program(text)
