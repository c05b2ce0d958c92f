"""A status line on standard error, redrawn in place, if that is a terminal."""

import contextlib
import os
import sys
import time

import click

EVERY_S = 0.2
"""Time between two redraws."""
QUIET_S = 2.0
"""Shorter work shows no status line."""


def draw(text: str) -> None:
    """Write to standard error; a closed terminal is no error."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, nl=False)


def fitted(text: str) -> str:
    """Cut a text to the terminal's width."""
    with contextlib.suppress(OSError):
        return text[: (os.get_terminal_size(sys.stderr.fileno()).columns or 80) - 1]
    return text


class StatusLine:
    """Shows the progress of work; a context manager, which clears the line at the end."""

    def __init__(self, quiet_s: float = 0.0) -> None:
        """Show nothing for the first `quiet_s` seconds."""
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + quiet_s
        self._shown = False

    def __enter__(self) -> "StatusLine":
        return self

    def show(self, text: str) -> None:
        """Draw the line, at most once in EVERY_S."""
        if self._terminal and time.monotonic() >= self._next:
            self._next, self._shown = time.monotonic() + EVERY_S, True
            draw(f"\r\x1b[K{fitted(text)}")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._clear()
        draw(f"{text}\n")

    def _clear(self) -> None:
        if self._shown:
            draw("\r\x1b[K")
        self._shown, self._next = False, 0.0

    def __exit__(self, *_: object) -> None:
        self._clear()
