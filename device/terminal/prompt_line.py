"""A line that is drawn over again, above one at which somebody types."""

import time
from types import TracebackType

from device.terminal.status_line import EVERY_S, draw, fitted


class PromptLine:
    """As LiveLine, with a prompt below; what is half typed there stays. A context manager."""

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
        """Draw the line, unless it was drawn just now."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._status = fitted(text)
            # Save the cursor, which stands where it is typed, and put it back.
            draw(f"\x1b7\x1b[1A\r\x1b[K{self._status}\x1b8")

    def entered(self, lines: int) -> None:
        """Go back to the prompt after so many lines were typed and echoed."""
        draw(f"\x1b[{lines}A\r\x1b[J{self._prompt}")

    def say(self, text: str) -> None:
        """Leave a line standing, above both."""
        if self._open:
            draw(f"\x1b[1A\r\x1b[J{text}\n{self._status}\n{self._prompt}")
        else:
            draw(f"{text}\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        draw("\x1b[1A\r\x1b[J")
        self._open = False
