"""The journal's writer: one thread that commits whatever has queued up as one transaction (group commit).

Only then are the callers told. After a write that failed, nothing more is written.
"""

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io import waits
from wellspring.tasks.io.storage.journal_file import Connection, Failure, broken, connect

GROUP_WRITES = 256  # writes in one commit

Write = Callable[[Connection], Any]


class Writer(threading.Thread):
    """The one thread that writes: takes what has queued up, commits it as one transaction, then tells the callers."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="journal", daemon=True)
        self.path = path
        self.connection = connect(path)
        self.waiting: queue.SimpleQueue[tuple[Write, asyncio.Future[Any] | Future[Any]] | None] = queue.SimpleQueue()
        self.broken: BrokenError | None = None

    def put(self, write: Write) -> asyncio.Future[Any]:
        """Queue a write from a coroutine; awaiting the future waits for the commit that holds it."""
        future = asyncio.get_running_loop().create_future()
        self.waiting.put((write, future))
        return future

    def later(self, write: Write) -> None:
        """Queue a write and go on: what is queued after it is committed with it or after it."""
        self.waiting.put((write, Future()))

    def apply(self, write: Write) -> Any:
        """Write from a thread, and wait for the commit."""
        future: Future[Any] = Future()
        self.waiting.put((write, future))
        return waits.result(future)

    def run(self) -> None:
        """Commit groups until told to stop."""
        with contextlib.closing(self.connection) as connection:
            is_open = True
            while is_open:
                group = [self.waiting.get()]
                with contextlib.suppress(queue.Empty):
                    while len(group) < GROUP_WRITES:
                        group.append(self.waiting.get_nowait())
                is_open = None not in group
                self._commit(connection, [item for item in group if item is not None])

    def _commit(self, connection: Connection, group: list[tuple[Write, Any]]) -> None:
        """Commit a group. After a write that failed nothing more is written, so nothing more can be sent."""
        try:
            results = self._committed(connection, group)
        except Exception as error:  # noqa: BLE001 - told to every caller: none of them may wait for ever
            self.broken = self.broken or broken(self.path, error)
            with contextlib.suppress(Failure):
                connection.execute("ROLLBACK")
            results = [self.broken] * len(group)
        _tell([(future, result) for (_, future), result in zip(group, results, strict=True)])

    def _committed(self, connection: Connection, group: list[tuple[Write, Any]]) -> list[Any]:
        if self.broken is not None:
            raise self.broken
        connection.execute("BEGIN IMMEDIATE")
        results = [write(connection) for write, _ in group]
        connection.execute("COMMIT")
        return results


def _tell(results: list[tuple[Any, Any]]) -> None:
    """Resolve futures: those of an event loop together, by one call into its thread."""
    in_loops = [(future, result) for future, result in results if isinstance(future, asyncio.Future)]
    for loop, those in itertools.groupby(in_loops, key=lambda pair: pair[0].get_loop()):
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, list(those))
    _resolve([(future, result) for future, result in results if not isinstance(future, asyncio.Future)])


def _resolve(results: list[tuple[Any, Any]]) -> None:
    for future, result in results:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
