"""The log of a command: one line per event."""

import logging
from collections.abc import Callable


def log_to_stderr(say: Callable[[str], None] | None = None) -> None:
    """Log to standard error, or give each line to `say`."""
    form = "%(asctime)s %(levelname)s %(message)s"
    handlers = None if say is None else [_Saying(say)]
    logging.basicConfig(level=logging.INFO, format=form, handlers=handlers)


class _Saying(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(self.format(record))
