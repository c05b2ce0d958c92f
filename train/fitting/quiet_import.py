"""Imports TensorFlow without its messages on stderr."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_import() -> Iterator[None]:
    """Discard the output on stderr during an import.

    TensorFlow's C++ code prints ten useless lines before the settings of its log take effect.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def import_quietly(module: str) -> None:
    """Import a module that imports TensorFlow; the initializer of a process pool."""
    with quiet_import():
        importlib.import_module(module)
