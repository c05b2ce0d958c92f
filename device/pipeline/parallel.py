"""Long recordings on all cores: one process reads ahead, others classify.

Processes and not threads, because parsing text and both TFLite runtimes hold Python's lock.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.model.bundle import Bundle
from device.model.classifier import Classifier
from device.pipeline.pipeline import Classify
from device.sources.recording import RecordingSource
from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Float64, Samples

_CONTEXT = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold


def read_ahead(path: Path) -> Generator[Samples]:
    """Yield a recording's blocks, the next being read meanwhile; raises as RecordingSource does."""
    with _process(_read, path) as blocks:
        while True:
            with _death_explained():
                block = _receive(blocks)
            if block is None:
                return
            yield block


@contextmanager
def workers(bundle: Bundle) -> Generator[Classify]:
    """Give what classifies windows (n, window, 9) on every core this process may use."""
    count = len(os.sched_getaffinity(0))
    with contextlib.ExitStack() as stack:
        pipes = [stack.enter_context(_process(_classify, bundle)) for _ in range(count)]

        def probabilities(x: NDArray[np.float32]) -> Float64:
            with _death_explained():
                for pipe, part in zip(pipes, np.array_split(x, count), strict=True):
                    pipe.send(part)
                return np.concatenate([_receive(pipe) for pipe in pipes])

        yield probabilities


@contextmanager
def _process(work: Callable[..., None], what: object) -> Generator[Connection]:
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_quietly, args=(work, what, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.terminate()
        process.join()


def _receive(pipe: Connection) -> Any:
    answer = pipe.recv()
    if isinstance(answer, EdgeharError):
        raise answer
    return answer


@contextmanager
def _death_explained() -> Generator[None]:
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise EdgeharError("a process that helped has died; is there enough memory?") from error


def _quietly(work: Callable[..., None], what: object, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.suppress(EOFError, ConnectionError):  # the parent has gone
        try:
            work(what, pipe)
        except EdgeharError as error:
            pipe.send(error)


def _read(path: Path, pipe: Connection) -> None:
    for block in RecordingSource(path).blocks():
        pipe.send(block)
    pipe.send(None)


def _classify(bundle: Bundle, pipe: Connection) -> None:
    classifier = Classifier(bundle)
    while True:
        pipe.send(classifier.probabilities(pipe.recv()))
