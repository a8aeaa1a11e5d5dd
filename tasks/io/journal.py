"""The journal of model calls: each call is on disk before it is sent, each answer before it is used.

One SQLite file, WAL, `synchronous=FULL`, written by one thread that commits whatever has queued up as one transaction
(group commit) and only then tells the callers. A call passes through three tables:

    calls        what is asked, once per completion id
    attempts     each time it goes over the wire: inserted with its reservation before the send, settled after
    completions  how it ended: answered, or refused with the server's words

Money is integer micro-USD. An attempt that was open when its process died has an unknown outcome: it keeps its
reservation as spent, and the call may be sent again. Whose process is alive is asked of the kernel (`flock`), not of a
clock: a lock whose holder was killed is free at once.
"""

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tasks.contracts.errors import BrokenError, TransientError

LOOKUP_IDS = 500  # ids in one SELECT; SQLite's limit on variables is 32,766
GROUP_WRITES = 256  # writes in one commit: 36,065 completions/s at 256 against 32,330 at 64 and 4,961 one by one

_ENTRY = (
    "completion_id, state, model, text, finish_reason, prompt_tokens, completion_tokens, cached_tokens, cost_micro_usd,"
    " attempts, latency_seconds"
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    completion_id TEXT PRIMARY KEY, role TEXT NOT NULL, model TEXT NOT NULL, request TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    attempt INTEGER PRIMARY KEY, completion_id TEXT NOT NULL, endpoint TEXT NOT NULL, run_id TEXT NOT NULL,
    reserved_micro_usd INTEGER NOT NULL, cost_micro_usd INTEGER, outcome TEXT, status INTEGER, detail TEXT
);
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (attempt) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS completions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, completion_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    model TEXT NOT NULL, text TEXT NOT NULL, body BLOB, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cost_micro_usd INTEGER NOT NULL,
    attempts INTEGER NOT NULL, latency_seconds REAL NOT NULL, run_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS vectors (completion_id TEXT PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO ledger VALUES ('spent_micro_usd', 0), ('sent_calls', 0);
"""


class Entry(NamedTuple):
    """How a call ended. `state` is `done` or a refusal's reason; `text` is the answer, or the server's words."""

    completion_id: str
    state: str
    model: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_micro_usd: int
    attempts: int
    latency_seconds: float


@dataclass(slots=True)
class Ledger:
    """What has been spent and promised, over all runs of this store. Owned by the writer thread."""

    spent_micro_usd: int
    reserved_micro_usd: int
    sent_calls: int


@dataclass(frozen=True, slots=True)
class Caps:
    """Where sending stops; None is no limit."""

    micro_usd: int | None = None
    calls: int | None = None


class Writer(threading.Thread):
    """The one thread that writes: takes what has queued up, commits it as one transaction, then tells the callers."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="journal", daemon=True)
        self.path = path
        self.waiting: queue.SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self.broken: BrokenError | None = None

    def put(self, write: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        """Queue a write; the future resolves after the commit that holds it."""
        future: Future[Any] = Future()
        self.waiting.put((write, future))
        return future

    def run(self) -> None:
        """Commit groups until told to stop."""
        connection = connect(self.path)
        is_open = True
        while is_open:
            group = [self.waiting.get()]
            while len(group) < GROUP_WRITES:
                try:
                    group.append(self.waiting.get_nowait())
                except queue.Empty:
                    break
            is_open = None not in group
            self._commit(connection, [item for item in group if item is not None])
        connection.close()

    def _commit(
        self, connection: sqlite3.Connection, group: list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]]
    ) -> None:
        if not group:
            return
        results: list[Any] = []
        try:
            if self.broken is not None:
                raise self.broken
            connection.execute("BEGIN IMMEDIATE")
            results = [write(connection) for write, _ in group]
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError, BrokenError) as error:
            self.broken = self.broken or _broken(self.path, error)
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            for _, future in group:
                future.set_exception(self.broken)
            return
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)


def _broken(path: Path, error: Exception) -> BrokenError:
    return BrokenError(
        f"the journal {path} could not be written: {error}",
        hint="nothing more is sent, no answer is lost; free space or repair the disk, then run the same command again",
    )


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal's file the way every connection to it is opened."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def hold(path: Path) -> int:
    """Take the lock that says this process writes the journal; the kernel frees it when the process ends.

    Raises:
        TransientError: A live process holds it; the message says which.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 200, 0).decode("utf-8", "replace").strip()
        os.close(lock)
        raise TransientError(
            f"the store {path.parent} is held by {holder or 'another process'}",
            hint="one process asks models for a store at a time; wait for it, or use another --store",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
    return lock


class Journal:
    """The durable memory of model calls of one store."""

    def __init__(self, path: Path, *, caps: Caps | None = None) -> None:
        self.path = path
        self.caps = caps or Caps()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = hold(path.with_suffix(".lock"))
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.reader = connect(path)
        self.reader.execute("PRAGMA journal_mode=WAL")
        self.reader.executescript(_SCHEMA)
        self.ledger = self._settle_the_dead()
        self.writer = Writer(path)
        self.writer.start()

    def _settle_the_dead(self) -> Ledger:
        """Count attempts of dead processes as spent: the server may have answered and billed them."""
        with contextlib.closing(connect(self.path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE ledger SET value = value + (SELECT coalesce(sum(reserved_micro_usd), 0) FROM attempts"
                " WHERE outcome IS NULL) WHERE name = 'spent_micro_usd'"
            )
            connection.execute(
                "UPDATE attempts SET outcome = 'unknown', cost_micro_usd = reserved_micro_usd WHERE outcome IS NULL"
            )
            connection.execute("COMMIT")
            values = dict(connection.execute("SELECT name, value FROM ledger").fetchall())
        return Ledger(values["spent_micro_usd"], 0, values["sent_calls"])

    def lookup(self, completion_ids: Sequence[str]) -> dict[str, Entry]:
        """Return how these calls ended, of those that have."""
        found: dict[str, Entry] = {}
        for start in range(0, len(completion_ids), LOOKUP_IDS):
            ids = completion_ids[start : start + LOOKUP_IDS]
            marks = ",".join("?" * len(ids))
            rows = self.reader.execute(f"SELECT {_ENTRY} FROM completions WHERE completion_id IN ({marks})", ids)  # noqa: S608 - question marks
            found.update((row[0], Entry(*row)) for row in rows)
        return found

    def claim(
        self, completion_id: str, *, role: str, model: str, request: str, endpoint: str, run_id: str, reserve: int
    ) -> Future[int]:
        """Write down that a call is about to be sent and set its money aside; resolves to the attempt's number.

        Raises (through the future):
            TransientError: Sending it could pass a cap of the budget.
        """

        def write(connection: sqlite3.Connection) -> int | TransientError:
            if (parked := self._over(reserve)) is not None:
                return parked
            connection.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", (completion_id, role, model, request))
            cursor = connection.execute(
                "INSERT INTO attempts (completion_id, endpoint, run_id, reserved_micro_usd) VALUES (?, ?, ?, ?)",
                (completion_id, endpoint, run_id, reserve),
            )
            connection.execute("UPDATE ledger SET value = value + 1 WHERE name = 'sent_calls'")
            self.ledger.reserved_micro_usd += reserve
            self.ledger.sent_calls += 1
            return cursor.lastrowid or 0

        return self.writer.put(write)

    def _over(self, reserve: int) -> TransientError | None:
        spent = self.ledger.spent_micro_usd + self.ledger.reserved_micro_usd
        if self.caps.calls is not None and self.ledger.sent_calls >= self.caps.calls:
            return TransientError(
                f"budget.max_calls = {self.caps.calls} is reached: {self.ledger.sent_calls} calls were sent",
                hint="everything so far is kept; raise budget.max_calls and run the same command to go on",
            )
        if self.caps.micro_usd is not None and spent + reserve > self.caps.micro_usd:
            return TransientError(
                f"budget.max_cost_usd = {self.caps.micro_usd / 1e6:.4f} would be passed: {spent / 1e6:.4f} spent or set"
                f" aside, the next call may cost {reserve / 1e6:.6f}",
                hint="everything so far is kept; raise budget.max_cost_usd and run the same command to go on",
            )
        return None

    def fail(
        self, attempt: int, *, reserve: int, cost: int, outcome: str, status: int | None, detail: str
    ) -> Future[None]:
        """Settle an attempt that gave no answer; the call may be sent again."""

        def write(connection: sqlite3.Connection) -> None:
            self._settle(connection, attempt, reserve, cost, outcome, status, detail)

        return self.writer.put(write)

    def finish(
        self,
        attempt: int,
        entry: Entry,
        *,
        reserve: int,
        paid: int,
        status: int | None,
        body: bytes | None,
        run_id: str,
    ) -> Future[None]:
        """Record how a call ended, and settle its last attempt at `paid` micro-USD."""

        def write(connection: sqlite3.Connection) -> None:
            self._settle(connection, attempt, reserve, paid, entry.state, status, None)
            _record(connection, entry, body, run_id)

        return self.writer.put(write)

    def _settle(
        self,
        connection: sqlite3.Connection,
        attempt: int,
        reserve: int,
        cost: int,
        outcome: str,
        status: int | None,
        detail: str | None,
    ) -> None:
        connection.execute(
            "UPDATE attempts SET outcome = ?, cost_micro_usd = ?, status = ?, detail = ? WHERE attempt = ?",
            (outcome, cost, status, detail, attempt),
        )
        if cost:
            connection.execute("UPDATE ledger SET value = value + ? WHERE name = 'spent_micro_usd'", (cost,))
        self.ledger.reserved_micro_usd -= reserve
        self.ledger.spent_micro_usd += cost

    def vectors(self, completion_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the recorded vectors (float32 bytes) of these texts, of those that are there."""
        found: dict[str, bytes] = {}
        for start in range(0, len(completion_ids), LOOKUP_IDS):
            ids = completion_ids[start : start + LOOKUP_IDS]
            marks = ",".join("?" * len(ids))
            query = f"SELECT completion_id, vector FROM vectors WHERE completion_id IN ({marks})"  # noqa: S608 - only question marks
            found.update(self.reader.execute(query, ids))
        return found

    def remember(self, attempt: int, vectors: Iterable[tuple[str, bytes]], *, reserve: int, paid: int) -> Future[None]:
        """Record the vectors that one embedding call gave, and settle its attempt."""
        rows = list(vectors)

        def write(connection: sqlite3.Connection) -> None:
            self._settle(connection, attempt, reserve, paid, "done", 200, None)
            connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)

        return self.writer.put(write)

    def after(self, watermark: int, limit: int) -> list[tuple[Any, ...]]:
        """Return answered calls after a watermark, oldest first, as the columns of records.Completion."""
        return self.reader.execute(
            "SELECT c.completion_id, c.sequence, calls.role, c.model, calls.request, c.text, c.finish_reason,"
            " c.prompt_tokens, c.completion_tokens, c.cached_tokens, c.cost_micro_usd / 1e6, c.attempts,"
            " c.latency_seconds, c.run_id"
            " FROM completions AS c JOIN calls USING (completion_id)"
            " WHERE c.sequence > ? ORDER BY c.sequence LIMIT ?",
            (watermark, limit),
        ).fetchall()

    def close(self) -> None:
        """Commit what is queued, close the file, give the lock back."""
        self.writer.waiting.put(None)
        self.writer.join()
        self.reader.close()
        os.close(self.lock)


def _record(connection: sqlite3.Connection, entry: Entry, body: bytes | None, run_id: str) -> None:
    connection.execute(
        f"INSERT INTO completions ({_ENTRY}, body, run_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own column names
        " ON CONFLICT (completion_id) DO NOTHING",
        (*entry, body, run_id),
    )


async def committed(future: Future[Any]) -> Any:
    """Wait for a write's commit without blocking the loop; an error that the write returned is raised."""
    result = await asyncio.wrap_future(future)
    if isinstance(result, Exception):
        raise result
    return result
