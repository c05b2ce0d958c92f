"""Long recordings on all cores: one process reads ahead, others classify.

Processes and not threads, because text parsing and both TFLite runtimes hold Python's lock.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from device.model.bundle import Bundle
from device.model.classifier import Classifier
from device.pipeline.pipeline import Classify
from device.sources.recording import RecordingSource
from firmware_bridge.errors import EdgeharError
from firmware_bridge.samples import Float64, Samples

_CONTEXT: Final = multiprocessing.get_context("spawn")  # a fork copies locks of other threads
_AHEAD: Final = 2
"""Number of blocks that are read in advance."""

_work: Callable[[Any], Any]
"""The work of a worker process."""


def read_ahead(path: Path) -> Generator[Samples]:
    """Yield a recording's blocks, read in advance; raises the errors of RecordingSource."""
    with _pool(1, _reader, path) as pool:
        pending: deque[Future[Samples | None]] = deque(
            pool.submit(_do, None) for _ in range(_AHEAD)
        )
        while True:
            block = pending.popleft().result()
            pending.append(pool.submit(_do, None))
            if block is None:
                return
            yield block


@contextmanager
def workers(bundle: Bundle) -> Generator[Classify]:
    """Yield a function that classifies windows (n, window, 9) on all cores of this process."""
    count = len(os.sched_getaffinity(0))
    with _pool(count, _classify, bundle) as pool:

        def probabilities(x: NDArray[np.float32]) -> Float64:
            return np.concatenate(list(pool.map(_do, np.array_split(x, count))))

        yield probabilities


@contextmanager
def _pool(
    count: int, prepare: Callable[[Any], Callable[[Any], Any]], what: object
) -> Generator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(count, _CONTEXT, _start_worker, (prepare, what))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise EdgeharError("a worker process has died; is there enough memory?") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(prepare: Callable[[Any], Callable[[Any], Any]], what: object) -> None:
    global _work  # noqa: PLW0603 -- a worker's state
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    _work = prepare(what)


def _do(argument: object) -> Any:
    return _work(argument)


def _reader(path: Path) -> Callable[[object], Samples | None]:
    blocks = RecordingSource(path).blocks()
    return lambda _: next(blocks, None)


def _classify(bundle: Bundle) -> Classify:
    return Classifier(bundle).probabilities
