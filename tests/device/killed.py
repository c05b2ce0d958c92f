"""A process that is killed at some moment, and what it had told until then."""

import os
import signal
import time
import warnings
from collections.abc import Callable


def killed(write_on: Callable[[int], None], after_s: float) -> bytes:
    """Fork, have `write_on` work without end, and kill it; return what it wrote to its pipe."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads, of which numpy has some; the child calls none of it.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            os.close(read_end)
            write_on(write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it ended by itself"
    with open(read_end, "rb") as pipe:  # noqa: PTH123 -- a descriptor
        return pipe.read()
