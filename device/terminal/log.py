"""The log of a command: one line an event on standard error."""

import logging
import sys


def log_to_stderr(handler: logging.Handler | None = None) -> None:
    """One line an event on stderr, or wherever `handler` puts it."""
    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[handler] if handler else None)


class AboveTheView(logging.Handler):
    """Prints log lines above a live view, which puts itself in the place of standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        print(self.format(record), file=sys.stderr)
