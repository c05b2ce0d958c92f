"""Signals that end or reload the daemon."""

import signal
from collections.abc import Callable
from types import FrameType


def until_told_to_stop() -> Callable[[], bool]:
    """Return what says whether SIGTERM or SIGINT has come; a second one kills as usual."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(came)


def hung_up() -> Callable[[], bool]:
    """Return what says whether SIGHUP has come since it was last asked."""
    came: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: came.append(number))

    def asked() -> bool:
        found = bool(came)
        came.clear()
        return found

    return asked
