"""A status line above a prompt at which the user types."""

import time

from device.terminal.status_line import EVERY_S, draw, fitted


class PromptLine:
    """As StatusLine, with a prompt below; redrawing keeps the user's text. A context manager."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._status = ""
        self._next = 0.0
        self._open = False

    def __enter__(self) -> "PromptLine":
        draw(f"\n{self._prompt}")
        self._open = True
        return self

    def show(self, text: str) -> None:
        """Draw the status line, at most once in EVERY_S."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._status = fitted(text)
            # Save the cursor, which is at the end of the typed text, and restore it.
            draw(f"\x1b7\x1b[1A\r\x1b[K{self._status}\x1b8")

    def entered(self, lines: int) -> None:
        """Erase this number of typed lines, which the terminal has echoed, and prompt again."""
        draw(f"\x1b[{lines}A\r\x1b[J{self._prompt}")

    def say(self, text: str) -> None:
        """Print a line that stays, above status and prompt."""
        if self._open:
            draw(f"\x1b[1A\r\x1b[J{text}\n{self._status}\n{self._prompt}")
        else:
            draw(f"{text}\n")

    def __exit__(self, *_: object) -> None:
        draw("\x1b[1A\r\x1b[J")
        self._open = False
