"""Writes decisions as JSON lines to standard output and flushes each."""

import os
import sys

from device.decision.decision import Decision, to_json
from device.sinks import SinkError


class Stdout:
    """A sink for standard output."""

    name = "stdout"

    def write(self, decision: Decision) -> None:
        """Write one line; raises SinkError, or BrokenPipeError if the reader closed the pipe."""
        try:
            sys.stdout.write(to_json(decision) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes the buffer again at exit; without this it would print an error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise
        except OSError as error:
            raise SinkError(f"stdout: {error.strerror}") from error

    def close(self) -> None:
        """Leave standard output open: other code may use it."""
