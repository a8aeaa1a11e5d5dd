"""Who may read and write a store: its owner alone, or its group, too; the mode of its folder says which.

A store is shared where its group may write its folder, and what is made in it gets the folder's group (`chmod 2770`).
Then all that is made in it may be read and written by the group and by nobody else, whatever the umask of who makes it.
Else a umask decides, and journals and locks are for their owner alone.
"""

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wellspring.tasks.contracts.errors import BrokenError

_SHARED = stat.S_IWGRP | stat.S_ISGID
_FOLDER, _FILE, _OWN = 0o2770, 0o660, 0o600
_UMASK = 0o007


class _Umask:
    """The umask of this process: that of shared stores as long as one of them is open, else as it was."""

    def __init__(self) -> None:
        self._lock, self._open, self._before = threading.Lock(), 0, 0

    def take(self) -> None:
        with self._lock:
            if not self._open:
                self._before = os.umask(_UMASK)
            self._open += 1

    def give_back(self) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                os.umask(self._before)


_umask = _Umask()


def is_shared(folder: Path) -> bool:
    """Whether the group of a folder may write it, and gets what is made in it."""
    try:
        return folder.stat().st_mode & _SHARED == _SHARED
    except OSError:
        return False


def take(folder: Path) -> bool:
    """Make files for a store's group from now on, if it is shared; returns whether it is, for `give_back`."""
    if found := is_shared(folder):
        _umask.take()
    return found


def give_back(*, taken: bool) -> None:
    """Make files as before, if `take` said that the store is shared."""
    if taken:
        _umask.give_back()


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Make files for a store's group, if it is shared, while the block runs."""
    is_taken = take(folder)
    try:
        yield
    finally:
        give_back(taken=is_taken)


def opened(path: Path, flags: int = 0) -> int:
    """Open a journal or a lock to read and write, and make it if need be: for who may write its folder, if shared.

    Args:
        path: The file.
        flags: More than `O_RDWR`, `O_CREAT` and `O_CLOEXEC`.

    Returns:
        Its descriptor.

    Raises:
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, _OWN)
    found = os.fstat(descriptor)
    if found.st_uid == os.geteuid() and found.st_mode & _FILE != _FILE and is_shared(path.parent):
        os.fchmod(descriptor, _FILE)
    return descriptor


def share(store: Path) -> None:
    """Let the group of a store's folder read and write all of it, and nobody else open it; made if need be.

    Raises:
        BrokenError: Something in it is another's, who has to do this.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        if is_shared(store):
            return
        for path in store.rglob("*"):
            if not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(_FOLDER if path.is_dir() else (mode | (mode & 0o600) >> 3) & 0o770)
        store.chmod(_FOLDER)
    except OSError as error:
        raise BrokenError(
            f"the store {store} cannot be shared with its group: {error.strerror}: {error.filename}",
            hint='its owner has to do that: a run with rights = "group", once',
        ) from error
