"""Waits for what must happen, with a deadline; never for a fixed time."""

import time
from collections.abc import Callable


def wait_for(
    happened: Callable[[], object],
    what: str = "it",
    seconds: float = 30.0,
    *,
    every_s: float = 0.01,
) -> None:
    """Look every `every_s`; fail where it does not happen in time."""
    deadline_s = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline_s, f"not within {seconds:g} s: {what}"
        time.sleep(every_s)
