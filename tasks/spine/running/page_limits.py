"""What a page may cost the worker that reads it, in CPU seconds and in memory; in the main process nothing is bounded.

A worker that overdraws its time dies: no exception reaches into a C library that is parsing. It notes in a file which
page it is at before it begins, so that sharding knows whom to refuse, and a page costs its time once. Memory that
cannot be had is a MemoryError at that page.
"""

import faulthandler
import gc
import multiprocessing
import os
import re
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from wellspring.tasks.io.storage import rights

WORKER_BYTES = 2 * 2**30  # of data, while a worker reads
NAME_BYTES = 256  # of a note: the unit; where its time was over stands after them
_LINE = re.compile(r'File "[^"]*?((?:tasks|site-packages)/[^"]*)", line (\d+)')

_note: ContextVar[int | None] = ContextVar("note", default=None)


@contextmanager
def noted(path: str) -> Iterator[None]:
    """Keep a note, while a shard is computed, of the unit that is worked at; it stays only where the worker dies."""
    descriptor = rights.opened(Path(path), os.O_TRUNC)
    os.lseek(descriptor, NAME_BYTES, os.SEEK_SET)
    before = _note.set(descriptor)
    if _is_worker():
        faulthandler.register(signal.SIGVTALRM, descriptor, all_threads=False, chain=True)
    try:
        yield
    finally:
        if _is_worker():
            faulthandler.unregister(signal.SIGVTALRM)
        _note.reset(before)
        os.close(descriptor)
        Path(path).unlink(missing_ok=True)


@contextmanager
def unit(name: str, seconds: float = 0) -> Iterator[None]:
    """Note what is worked at, and let a worker die that spends more CPU on it than so many seconds; 0 is no bound."""
    note, is_bounded = _note.get(), seconds > 0 and _is_worker()
    if note is not None:
        os.pwrite(note, name.encode()[:NAME_BYTES].ljust(NAME_BYTES), 0)
    if is_bounded:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        if is_bounded:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if note is not None:
            os.pwrite(note, b" " * NAME_BYTES, 0)


def last_note(path: str) -> tuple[str, str]:
    """Take the note of a worker that died: the unit it was at, and the line if it was its time that was over."""
    try:
        left = Path(path).read_bytes()
    except FileNotFoundError:
        return "", ""
    Path(path).unlink(missing_ok=True)
    line = _LINE.search(left[NAME_BYTES:].decode("utf-8", "replace"))
    where = f"{line[1]}:{line[2]}" if line else "an unknown line" if left[NAME_BYTES:] else ""
    return left[:NAME_BYTES].decode("utf-8", "replace").strip(), where


def _is_worker() -> bool:
    return multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread()


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
