"""Who holds a store: one process writes it at a time, and a lock of the kernel, freed by death, says which.

A look at the lock takes it for a moment, so a writer that finds it taken tries for a moment before it believes it.
Another program that has opened the database (a notebook) knows no lock of ours: DuckDB says its process.
"""

import fcntl
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import rights

LOCK = "wellspring.lock"
LOCK_POLL_SECONDS = 0.5
PATIENCE_SECONDS = 0.5  # a look lasts microseconds
READER_SECONDS = 300.0  # a reader that copies a store that nobody holds
_PROCESS = re.compile(r"\(PID (\d+)\)")
_COMMAND_CHARS = 120


def holder(directory: str | Path) -> Mapping[str, Any] | None:
    """Return who holds the store (pid, host, owner), or None when it is free; looks do not see each other."""
    path = Path(directory) / LOCK
    if not path.is_file():
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(descriptor)
    finally:
        os.close(descriptor)
    return None


def acquire(directory: Path, *, wait: bool) -> int:
    """Take the lock of a store and return its descriptor; `sign` says who has it, closing it frees it.

    Raises:
        BrokenError: The lock cannot be written.
        TransientError: Another process has it; the message says which.
    """
    descriptor = _opened(directory / LOCK)
    until = time.monotonic() + PATIENCE_SECONDS
    while not _taken(descriptor):
        if wait or time.monotonic() < until:
            time.sleep(LOCK_POLL_SECONDS if wait else PATIENCE_SECONDS / 20)
            continue
        who = _owner(descriptor)
        os.close(descriptor)
        process = f"process {who.get('pid', '?')} on {who.get('host', '?')} (run {who.get('owner') or 'unknown'})"
        raise TransientError(
            f"the store {directory} is open in {process}",
            hint="run it again when that one is done, or add --set wait=true to wait for it",
        )
    return descriptor


def sign(lock: int, owner: str, directory: Path) -> None:
    """Say in a lock who has it.

    Raises:
        BrokenError: It cannot be written.
    """
    who = {"pid": os.getpid(), "host": socket.gethostname(), "owner": owner}
    with _written(directory / LOCK):
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(who).encode(), 0)


@contextmanager
def turn(path: Path, what: str, seconds: float = READER_SECONDS) -> Iterator[None]:
    """Have something for oneself while the block runs, after those who came before; unlike a store, nobody asks whose.

    Args:
        path: Its lock, made if need be.
        what: What it is, for the message.
        seconds: How long to wait.

    Raises:
        BrokenError: The lock cannot be written.
        TransientError: Another process had it all the time.
    """
    descriptor = _opened(path)
    try:
        until = time.monotonic() + seconds
        while not _taken(descriptor):
            if time.monotonic() > until:
                raise TransientError(
                    f"another process has {what} for more than {seconds:.0f} s (its lock: {path})",
                    hint="run it again when that one is done; `lsof` on the lock says which it is",
                )
            time.sleep(PATIENCE_SECONDS / 20)
        yield
    finally:
        os.close(descriptor)


def foreign(database: Path, said: str) -> TransientError:
    """Return what a person is told of a database that another program has opened, from what DuckDB said."""
    found = _PROCESS.search(said)
    process = f"process {found[1]} ({_command(found[1])})" if found else "another process"
    return TransientError(
        f"{database} is open in {process}, which is no run of Wellspring",
        hint="close it there, or wait for it with --set wait=true; to look at a store, open the newest file of "
        f"{database.parent / 'snapshot'} instead: runs leave it there for readers, and never wait for them",
    )


def _command(pid: str) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "of an unknown command"
    said = b" ".join(words).decode("utf-8", "replace").strip()
    return said if len(said) <= _COMMAND_CHARS else said[:_COMMAND_CHARS] + "..."


def _opened(path: Path) -> int:
    with _written(path):
        return rights.opened(path, os.O_NOFOLLOW)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenError(
            f"{path} cannot be written: {error.strerror}", hint="free space, or let this user write the store"
        ) from error


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> dict[str, Any]:
    try:
        return files.of_shape(json.loads(os.pread(descriptor, 4096, 0) or b"{}"), dict[str, int | str])
    except (ValueError, RecursionError):
        return {}
