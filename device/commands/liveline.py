"""A line on standard error that is drawn over again, where that is a terminal."""

import os
import sys
import time
from types import TracebackType

import click

_EVERY_S = 0.2


class LiveLine:
    """Says what goes on; a context manager, which clears it at the end."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = 0.0
        self._shown = False

    def __enter__(self) -> "LiveLine":
        return self

    def show(self, text: str) -> None:
        """Draw the line, five times a second at most."""
        if self._terminal and time.monotonic() >= self._next:
            self._next, self._shown = time.monotonic() + _EVERY_S, True
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            click.echo(f"\r\x1b[K{text[: width - 1]}", err=True, nl=False)

    def say(self, text: str) -> None:
        """Leave a line standing."""
        self.clear()
        click.echo(text, err=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
        self._shown, self._next = False, 0.0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()
