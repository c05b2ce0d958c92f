"""The log of a command: one line an event on standard error."""

import logging


def log_to_stderr(handler: logging.Handler | None = None) -> None:
    """One line an event on stderr, or wherever `handler` puts it."""
    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[handler] if handler else None)
