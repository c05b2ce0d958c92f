"""Runs several fits side by side, each in its own process with one thread."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from firmware_bridge.errors import EdgeharError
from train.fitting.quiet_import import import_quietly

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def side_by_side(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int, module: str
) -> Iterator[tuple[Job, Result]]:
    """Yield each job with its result, in the order of completion; `module` is where `work` is.

    Raises EdgeharError if a process dies.
    """
    context = multiprocessing.get_context("spawn")  # TensorFlow does not work after a fork
    pool = ProcessPoolExecutor(workers, context, import_quietly, (module,))
    with _one_thread_each(), pool:
        running = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BrokenProcessPool as error:
            raise EdgeharError(
                "the process of a fit was killed, probably because memory ran out; run the report "
                "again with fewer --jobs; it uses the stored results of finished fits"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


_GIBIBYTE = str(1 << 30)
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    # With TensorFlow, glibc returns freed memory to the kernel immediately. Each batch then gets
    # its memory page by page, which takes as long as the training itself.
    "MALLOC_MMAP_THRESHOLD_": _GIBIBYTE,
    "MALLOC_TOP_PAD_": str(1 << 29),
}


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Set the environment of new processes: one thread each, and freed memory is not returned."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
