"""Silence where TensorFlow has nothing to say."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_import() -> Iterator[None]:
    """Keep to itself what TensorFlow's C++ prints on stderr while it is imported.

    It says there, in ten lines and before any setting of its log takes effect, that all is well.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def import_quietly(module: str) -> None:
    """Import a module that imports TensorFlow; for a process that is to begin with it."""
    with quiet_import():
        importlib.import_module(module)
