"""Decisions as JSON lines on standard output, flushed one by one."""

import os
import sys

from device.decision.decision import Decision, to_json
from device.sinks import SinkError


class Stdout:
    """Standard output."""

    name = "stdout"

    def write(self, decision: Decision) -> None:
        """Write one line; raises SinkError, or BrokenPipeError if the reader closed the pipe."""
        try:
            sys.stdout.write(to_json(decision) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes the buffer again at exit, which would fail with a message.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise
        except OSError as error:
            raise SinkError(f"stdout: {error.strerror}") from error

    def close(self) -> None:
        """Leave standard output open: other code may use it."""
