"""The journal's file: its tables, how it is opened, locked, written in groups, and saved when it is damaged.

One SQLite file, WAL, `synchronous=FULL`, written by one thread that commits whatever has queued up as one transaction
(group commit) and only then tells the callers. After a write that failed, nothing more is written.
"""

import asyncio
import contextlib
import errno
import fcntl
import itertools
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasks.contracts.errors import BrokenError, TransientError
from tasks.io import versions, waits

GROUP_WRITES = 256  # writes in one commit
NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "lustre"}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    completion_id TEXT PRIMARY KEY, role TEXT NOT NULL, model TEXT NOT NULL, request TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    attempt INTEGER PRIMARY KEY, completion_id TEXT NOT NULL, endpoint TEXT NOT NULL, run_id TEXT NOT NULL,
    reserved_micro_usd INTEGER NOT NULL, cost_micro_usd INTEGER, outcome TEXT, status INTEGER, detail TEXT, body BLOB,
    batch INTEGER
);
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (attempt) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS attempts_failed ON attempts (completion_id) WHERE outcome IS NOT NULL AND outcome <> 'done';
CREATE INDEX IF NOT EXISTS attempts_of_batch ON attempts (batch) WHERE batch IS NOT NULL;
CREATE TABLE IF NOT EXISTS completions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, completion_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    model TEXT NOT NULL, text TEXT NOT NULL, body BLOB, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cost_micro_usd INTEGER NOT NULL,
    attempts INTEGER NOT NULL, latency_seconds REAL NOT NULL, run_id TEXT NOT NULL, checksum INTEGER NOT NULL,
    thought TEXT NOT NULL DEFAULT '', tool_calls TEXT NOT NULL DEFAULT '', logprobs TEXT NOT NULL DEFAULT '',
    served TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS completions_refused ON completions (state) WHERE state <> 'done';
CREATE TABLE IF NOT EXISTS vectors (completion_id TEXT PRIMARY KEY, vector BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO ledger VALUES ('spent_micro_usd', 0), ('sent_calls', 0);
CREATE TABLE IF NOT EXISTS abilities (
    endpoint TEXT NOT NULL, model TEXT NOT NULL, ability TEXT NOT NULL, PRIMARY KEY (endpoint, model)
);
CREATE TABLE IF NOT EXISTS batches (
    batch INTEGER PRIMARY KEY, role TEXT NOT NULL, endpoint TEXT NOT NULL, run_id TEXT NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL, file_id TEXT, job_id TEXT, reserved_micro_usd INTEGER NOT NULL,
    nonce TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '', form TEXT NOT NULL DEFAULT '{}',
    since INTEGER NOT NULL DEFAULT 0, calls INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, misses INTEGER NOT NULL DEFAULT 0, said TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS batch_calls (
    completion_id TEXT PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batches (batch),
    reserved_micro_usd INTEGER NOT NULL DEFAULT 0, verdict TEXT, reason TEXT, detail TEXT,
    cost_micro_usd INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS batch_calls_of ON batch_calls (batch);
CREATE TABLE IF NOT EXISTS tombstones (
    kind TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL, forgotten_at TEXT NOT NULL, PRIMARY KEY (kind, value)
);
CREATE TABLE IF NOT EXISTS reads (
    kind TEXT NOT NULL, fingerprint TEXT NOT NULL, input_id TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, fingerprint, input_id)
);
"""
_TABLES = (
    *("calls", "attempts", "completions", "vectors", "ledger", "abilities", "batches", "batch_calls"),
    *("tombstones", "reads"),
)


Connection = sqlite3.Connection  # for those who write through the journal; SQLite itself is imported here only
Failure = sqlite3.Error
Write = Callable[[Connection], Any]


class Writer(threading.Thread):
    """The one thread that writes: takes what has queued up, commits it as one transaction, then tells the callers."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="journal", daemon=True)
        self.path = path
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
        with contextlib.closing(connect(self.path)) as connection:
            is_open = True
            while is_open:
                group = [self.waiting.get()]
                with contextlib.suppress(queue.Empty):
                    while len(group) < GROUP_WRITES:
                        group.append(self.waiting.get_nowait())
                is_open = None not in group
                self._commit(connection, [item for item in group if item is not None])

    def _commit(self, connection: sqlite3.Connection, group: list[tuple[Write, Any]]) -> None:
        """Commit a group. After a write that failed nothing more is written, so nothing more can be sent."""
        try:
            results = self._committed(connection, group)
        except Exception as error:  # noqa: BLE001 - told to every caller: none of them may wait for ever
            self.broken = self.broken or broken(self.path, error)
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            results = [self.broken] * len(group)
        _tell([(future, result) for (_, future), result in zip(group, results, strict=True)])

    def _committed(self, connection: sqlite3.Connection, group: list[tuple[Write, Any]]) -> list[Any]:
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


def broken(path: Path, error: Exception) -> BrokenError:
    """Return what a person is told; damage is noted beside the file, so that the next opening salvages."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        path.with_suffix(".damaged").touch()
        return BrokenError(
            f"the journal {path} is damaged: {error} ({name})",
            hint="run the same command again: what is readable is saved, and only what is lost is asked for again",
        )
    what = "disk_full: " if name == "SQLITE_FULL" or getattr(error, "errno", 0) == errno.ENOSPC else ""
    return BrokenError(
        f"the journal {path} could not be written: {what}{error} ({name})",
        hint="nothing more is sent, no answer is lost; free space or repair the disk, then run the same command again",
    )


def is_damaged(path: Path) -> bool:
    """Whether damage was noted, so that the next opening saves what can be read."""
    return path.with_suffix(".damaged").exists()


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal's file the way every connection to it is opened."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    return connection


def hold(path: Path, *, owner: str) -> int:
    """Take the lock that says this process writes the journal; the kernel frees it when the process ends.

    Raises:
        TransientError: A live process holds it; the message says which.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 200, 0).decode("utf-8", "replace").strip()
        os.close(lock)
        raise TransientError(
            f"the models of the store {path.parent} are asked by {holder or 'another process'}",
            hint="one process asks models for a store at a time; run it again when that one is done",
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename} (run {owner or 'unknown'})\n".encode(), 0)
    return lock


def refuse_network(path: Path) -> None:
    """Refuse a network file system: SQLite's locks and shared memory do not hold there."""
    with contextlib.suppress(OSError):
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        at = max(
            (m for m in mounts if path.is_relative_to(m[1].encode().decode("unicode_escape"))), key=lambda m: len(m[1])
        )
        if at[2] in NETWORK_FILESYSTEMS:
            raise BrokenError(
                f"{path} lies on a network file system ({at[2]})", hint="choose a --store on a local disk"
            )


def opened(path: Path) -> tuple[Connection, int]:
    """Open the journal, making it if need be; one that is damaged is saved first as far as it can be read.

    Returns:
        A connection to read with, and how many answers the damage has cost for certain.

    Raises:
        BrokenError: It cannot be opened, and not because it is damaged.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    lost = salvage(path) if is_damaged(path) else 0
    try:
        return prepared(path), lost
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise broken(path, error) from error
        lost += salvage(path)
        return prepared(path), lost


def read_only(path: Path) -> Connection:
    """Open the journal beside a process that writes it; one of an older version is brought up to date first.

    Raises:
        UsageError: A newer Wellspring wrote it.
        TransientError: An older one is writing it.
    """
    found = version(path)
    versions.refuse_newer("journal", path, found or 0)
    if found is not None and found < versions.newest("journal"):
        lock = hold(path.with_suffix(".lock"), owner="an upgrade")
        try:
            prepared(path).close()
        except sqlite3.Error as error:
            raise broken(path, error) from error
        finally:
            os.close(lock)
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)


def version(path: Path) -> int | None:
    """Return the version of a journal, and leave no trace of having looked; None if there is none, or no telling."""
    if not path.is_file() or not path.stat().st_size:
        return None
    log = path.with_name(path.name + "-wal")
    # Where there is no log, SQLite would make one, also to read.
    mode = "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"
    uri = f"file:{quote(str(path))}?{mode}"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(uri, uri=True, timeout=60)) as connection,
    ):
        return connection.execute("PRAGMA user_version").fetchone()[0]
    return None


def refuse_newer(path: Path) -> None:
    """Refuse a journal that a newer Wellspring wrote, before anything is written to it.

    Raises:
        UsageError: Its version is above those that this code knows.
    """
    versions.refuse_newer("journal", path, version(path) or 0)


def prepared(path: Path) -> sqlite3.Connection:
    """Open the journal, see that its tables are there, of the newest version, and can be read."""
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        _define(connection)
        connection.execute("SELECT max(sequence) FROM completions").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _define(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring older ones up to date, a version at a time: each with its number, or not at all."""
    newest = versions.newest("journal")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'completions'").fetchall():
        _commit(connection, _SCHEMA, newest)
        return
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, text in versions.due("journal", found).items():
        _commit(connection, text, number)
    connection.executescript(_SCHEMA)  # tables and indexes that it did not have


def _commit(connection: sqlite3.Connection, statements: str, number: int) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{statements}\nPRAGMA user_version = {number};\nCOMMIT;")
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def salvage(path: Path) -> int:
    """Save what can be read of a damaged journal into a new one; the damaged file stays beside it.

    Returns:
        How many answers were lost for certain (rows whose place in the file is known but which cannot be read).
    """
    old = path.with_suffix(".damaged.sqlite")
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(old.with_name(old.name + suffix))
    path.replace(old)
    path.with_suffix(".damaged").unlink(missing_ok=True)
    lost = 0
    with contextlib.closing(prepared(path)) as target:
        target.execute("BEGIN")
        for table in _TABLES:
            lost += _copy(old, target, table)
        target.execute("COMMIT")
    return lost


def _copy(old: Path, target: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table from both ends towards its damage; returns about how many lie between."""
    seen: dict[str, int | None] = {}
    for order in ("ASC", "DESC"):
        try:
            with contextlib.closing(connect(old)) as source:
                names = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
                for rowid, *row in source.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid {order}"):  # noqa: S608 - our own names
                    if rowid == seen.get("ASC") and order == "DESC":
                        return 0
                    seen[order] = rowid
                    marks = ",".join("?" * len(names))
                    target.execute(f"INSERT OR REPLACE INTO {table} ({','.join(names)}) VALUES ({marks})", row)  # noqa: S608
            if order == "ASC":
                return 0
        except sqlite3.DatabaseError:
            continue
    first, last = seen.get("ASC"), seen.get("DESC")
    return max(0, last - (first or 0) - 1) if table == "completions" and last is not None else 0
