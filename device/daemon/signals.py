"""Signals that end or reload the daemon."""

import signal
from collections.abc import Callable
from types import FrameType


def stop_signal() -> Callable[[], bool]:
    """Return a function that tells whether SIGTERM or SIGINT has come; a second one kills."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(came)


def hangup_signal() -> Callable[[], bool]:
    """Return a function that tells whether SIGHUP has come since its last call."""
    came: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: came.append(number))

    def has_come() -> bool:
        new = bool(came)
        came.clear()
        return new

    return has_come
