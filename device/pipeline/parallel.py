"""Long recordings on all cores: one process reads ahead, others classify.

Processes and not threads, because text parsing and both TFLite runtimes hold Python's lock.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
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

_next_block: Callable[[], Samples | None]
_probabilities: Classify


def read_ahead(path: Path) -> Generator[Samples]:
    """Yield a recording's blocks, read in advance; raises the errors of RecordingSource."""
    with _pool(1, _open_recording, path) as pool:
        pending: deque[Future[Samples | None]] = deque(
            pool.submit(_read_block) for _ in range(_AHEAD)
        )
        while True:
            with _dead_worker_explained():
                block = pending.popleft().result()
                pending.append(pool.submit(_read_block))
            if block is None:
                return
            yield block


@contextmanager
def workers(bundle: Bundle) -> Generator[Classify]:
    """Yield a function that classifies windows (n, window, 9) on all cores of this process."""
    count = len(os.sched_getaffinity(0))
    with _pool(count, _load_model, bundle) as pool:

        def probabilities(x: NDArray[np.float32]) -> Float64:
            with _dead_worker_explained():
                return np.concatenate(list(pool.map(_classify, np.array_split(x, count))))

        yield probabilities


@contextmanager
def _pool(
    count: int, prepare: Callable[[Any], None], what: object
) -> Generator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(count, _CONTEXT, _prepared, (prepare, what))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _dead_worker_explained() -> Generator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise EdgeharError("a worker process has died; is there enough memory?") from error


def _prepared(prepare: Callable[[Any], None], what: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    prepare(what)


def _open_recording(path: Path) -> None:
    global _next_block  # noqa: PLW0603 -- a worker's state
    blocks: Iterator[Samples | None] = RecordingSource(path).blocks()
    _next_block = lambda: next(blocks, None)  # noqa: E731


def _read_block() -> Samples | None:
    return _next_block()


def _load_model(bundle: Bundle) -> None:
    global _probabilities  # noqa: PLW0603 -- a worker's state
    _probabilities = Classifier(bundle).probabilities


def _classify(x: NDArray[np.float32]) -> Float64:
    return _probabilities(x)
