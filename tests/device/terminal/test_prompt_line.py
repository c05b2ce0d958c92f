"""A status line above a prompt, on an emulated terminal."""

import re

import click
import pytest

from device.terminal import prompt_line
from device.terminal.prompt_line import PromptLine


class Terminal:
    """A minimal emulator: shows written text and echoed input."""

    def __init__(self) -> None:
        self._rows = [""]
        self._row = self._column = 0
        self._saved = 0, 0

    @property
    def screen(self) -> list[str]:
        return [row.rstrip() for row in self._rows]

    def write(self, text: str) -> None:
        for piece in re.findall(r"\x1b\[\d*[A-Z]|\x1b\d|.", text, re.DOTALL):
            self._take(piece)

    def _take(self, piece: str) -> None:
        row = self._rows[self._row]
        if piece == "\n":
            self._row, self._column = self._row + 1, 0
            self._rows += [""] * (self._row + 1 - len(self._rows))
        elif piece == "\r":
            self._column = 0
        elif piece == "\x1b7":
            self._saved = self._row, self._column
        elif piece == "\x1b8":
            self._row, self._column = self._saved
        elif piece == "\x1b[K":
            self._rows[self._row] = row[: self._column]
        elif piece == "\x1b[J":
            self._rows[self._row :] = [row[: self._column]]
        elif piece.endswith("A"):
            self._row -= int(piece[2:-1])
            assert self._row >= 0
        else:
            row = row.ljust(self._column)
            self._rows[self._row] = row[: self._column] + piece + row[self._column + 1 :]
            self._column += 1


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(prompt_line, "draw", terminal.write)
    monkeypatch.setattr(prompt_line, "EVERY_S", 0.0)
    return terminal


def test_typed_text_stays_while_the_status_changes(terminal: Terminal) -> None:
    terminal.write("$ edgehar record\n")
    with PromptLine("label> ") as view:
        view.show("1 s")
        terminal.write("wal")
        view.show("2 s, label: none")
        assert terminal.screen == ["$ edgehar record", "2 s, label: none", "label> wal"]
        terminal.write("king\n")
        view.entered(1)
        view.say("label: walking")
        view.show("3 s")
        assert terminal.screen == ["$ edgehar record", "label: walking", "3 s", "label> "[:-1]]
        terminal.write("a\nb\n")
        view.entered(2)
        view.say("label: a")
        view.say("label: b")
        view.show("4 s")
        assert terminal.screen[1:] == ["label: walking", "label: a", "label: b", "4 s", "label>"]
    view.say("done")
    assert terminal.screen[-2:] == ["done", ""]
    assert "4 s" not in terminal.screen


def test_a_closed_terminal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(click, "echo", broken)
    with PromptLine("label> ") as view:
        view.show("1 s")
        view.say("label: walking")
