"""A process that is killed, and its output until then."""

import os
import signal
import time
import warnings
from collections.abc import Callable


def killed(write_on: Callable[[int], None], after_s: float) -> bytes:
    """Fork, run `write_on` without end, kill it; return what it wrote to the pipe."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns because numpy has threads; the child does not use them.
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
