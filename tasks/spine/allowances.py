"""What a page may cost the worker that reads it, in CPU seconds and in memory; in the main process nothing is bounded.

A worker that overdraws its time dies, and sharding narrows the page down and refuses it alone: no exception reaches
into a C library that is parsing. Memory that cannot be had is a MemoryError at that page.
"""

import gc
import multiprocessing
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

WORKER_BYTES = 2 * 2**30  # of data, while a worker reads


@contextmanager
def bounded_time(seconds: float) -> Iterator[None]:
    """Let a worker die that spends more CPU on one page: no exception reaches into a C library; the page is refused."""
    is_worker = multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread()
    if not is_worker:
        yield
        return
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Bound what a worker may hold while it reads, so that a bomb is a MemoryError there and no dead machine."""
    if multiprocessing.parent_process() is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (WORKER_BYTES, before[1]))
    gc.freeze()  # what is loaded stays, and looking at it again with every page costs a tenth of the time
    try:
        yield
    finally:
        gc.unfreeze()
        resource.setrlimit(resource.RLIMIT_DATA, before)
