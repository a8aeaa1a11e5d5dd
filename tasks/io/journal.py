"""The journal of model calls: each call is on disk before it is sent, each answer before it is used.

One SQLite file, WAL, `synchronous=FULL`, written by one thread that commits whatever has queued up as one transaction
(group commit) and only then tells the callers. A call passes through three tables:

    calls        what is asked, once per completion id
    attempts     each time it goes over the wire: inserted with its reservation before the send, settled after
    completions  how it ended: answered, or refused with the server's words

Money is integer micro-USD. An attempt that was open when its process died has an unknown outcome: it keeps its
reservation as spent, and the call may be sent again. Whose process is alive is asked of the kernel (`flock`), not of a
clock: a lock whose holder was killed is free at once. Rows carry a checksum, since SQLite does not notice a flipped
bit in a text; a row that fails it counts as lost, is reported, and is asked again.
"""

import asyncio
import contextlib
import errno
import fcntl
import itertools
import json
import os
import queue
import re
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from tasks.contracts.errors import BrokenError, TransientError

LOOKUP_IDS = 500  # ids in one SELECT; SQLite's limit on variables is 32,766
GROUP_WRITES = 256  # writes in one commit
DONE = "done"
NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "lustre"}

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
    reserved_micro_usd INTEGER NOT NULL, cost_micro_usd INTEGER, outcome TEXT, status INTEGER, detail TEXT, body BLOB
);
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (attempt) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS completions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, completion_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    model TEXT NOT NULL, text TEXT NOT NULL, body BLOB, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cost_micro_usd INTEGER NOT NULL,
    attempts INTEGER NOT NULL, latency_seconds REAL NOT NULL, run_id TEXT NOT NULL, checksum INTEGER NOT NULL
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
    state TEXT NOT NULL, file_id TEXT, job_id TEXT, reserved_micro_usd INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS batch_calls (
    completion_id TEXT PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batches (batch)
);
"""
_TABLES = ("calls", "attempts", "completions", "vectors", "ledger", "abilities", "batches", "batch_calls")

Connection = sqlite3.Connection  # for those who write through the journal; SQLite itself is imported here only
Write = Callable[[Connection], Any]


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

    def checksum(self) -> int:
        """Return a checksum of what an answer says."""
        return zlib.crc32(
            f"{self.completion_id} {self.state} {self.model} {self.text}".encode("utf-8", "surrogatepass")
        )


@dataclass(slots=True)
class Ledger:
    """What has been spent and set aside, over all runs of this store. Changed by the writer's thread only."""

    spent_micro_usd: int
    reserved_micro_usd: int
    sent_calls: int
    held_micro_usd: int = 0  # for batch jobs that run


@dataclass(frozen=True, slots=True)
class Caps:
    """Where sending stops; None is no limit."""

    micro_usd: int | None = None
    calls: int | None = None


class Parked(NamedTuple):
    """A cap that a claim could pass, as a value (to say no is not a failed write).

    `may_pass`: it may be possible later, when what is set aside for others has been settled for less.
    """

    error: TransientError
    may_pass: bool


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

    def apply(self, write: Write) -> Any:
        """Write from a thread, and wait for the commit."""
        future: Future[Any] = Future()
        self.waiting.put((write, future))
        return future.result()

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
            self.broken = self.broken or _broken(self.path, error)
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


def _broken(path: Path, error: Exception) -> BrokenError:
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


def _refuse_network(path: Path) -> None:
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


class Journal:
    """The durable memory of model calls of one store."""

    def __init__(self, path: Path, *, caps: Caps | None = None, owner: str = "") -> None:
        self.path = path.absolute()
        self.caps = caps or Caps()
        self.lost_rows = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_network(self.path)
        self.lock = hold(self.path.with_suffix(".lock"), owner=owner)
        try:
            self.reader = self._open()
            self.ledger = self._settle_the_dead()
        except BaseException:
            os.close(self.lock)
            raise
        self.writer = Writer(self.path)
        self.writer.start()

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        if self.path.with_suffix(".damaged").exists():
            self.lost_rows += salvage(self.path)
        try:
            return _prepared(self.path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise _broken(self.path, error) from error
            self.lost_rows += salvage(self.path)
            return _prepared(self.path)

    def _settle_the_dead(self) -> Ledger:
        """Count attempts of dead processes as spent: the server may have answered and billed them."""
        try:
            self.reader.execute("BEGIN IMMEDIATE")
            self.reader.execute(
                "UPDATE ledger SET value = value + (SELECT coalesce(sum(reserved_micro_usd), 0) FROM attempts"
                " WHERE outcome IS NULL) WHERE name = 'spent_micro_usd'"
            )
            self.reader.execute(
                "UPDATE attempts SET outcome = 'unknown', cost_micro_usd = reserved_micro_usd WHERE outcome IS NULL"
            )
            self.reader.execute("COMMIT")
            values = dict(self.reader.execute("SELECT name, value FROM ledger").fetchall())
            held = self.reader.execute(
                "SELECT coalesce(sum(reserved_micro_usd), 0) FROM batches WHERE state <> 'merged'"
            )
        except sqlite3.Error as error:
            raise _broken(self.path, error) from error
        return Ledger(values["spent_micro_usd"], 0, values["sent_calls"], held.fetchone()[0])

    def select(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a query.

        Raises:
            BrokenError: The file is damaged.
        """
        try:
            return self.reader.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _broken(self.path, error) from error

    def lookup(self, completion_ids: Sequence[str]) -> dict[str, Entry]:
        """Return how these calls ended, of those that have; a row that fails its checksum counts as lost."""
        found: dict[str, Entry] = {}
        for ids in _parts(completion_ids):
            query = f"SELECT {_ENTRY}, checksum FROM completions WHERE completion_id IN ({_marks(ids)})"  # noqa: S608 - only question marks
            for *row, checksum in self.select(query, ids):
                entry = Entry(*row)
                if entry.checksum() == checksum:
                    found[entry.completion_id] = entry
                else:
                    self.lost_rows += self.forget([entry.completion_id])
        return found

    def forget(self, completion_ids: Sequence[str]) -> int:
        """Set recorded ends aside, so that these calls are asked for again; their attempts stay. Returns how many."""
        return self.writer.apply(lambda connection: _delete(connection, completion_ids))

    def claim(
        self, completion_id: str, *, role: str, model: str, request: str, endpoint: str, run_id: str, reserve: int
    ) -> asyncio.Future[int | Parked]:
        """Write down that a call is about to be sent and set its money aside.

        Returns:
            The attempt's number, or which cap it could pass.
        """

        def write(connection: sqlite3.Connection) -> int | Parked:
            if (parked := self.over(reserve)) is not None:
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

    def over(self, reserve: int, calls: int = 1) -> Parked | None:
        """Return which cap so many more calls at this reservation could pass, or None. Asked within a write."""
        ledger, caps = self.ledger, self.caps
        spent = ledger.spent_micro_usd + ledger.reserved_micro_usd + ledger.held_micro_usd
        if caps.calls is not None and ledger.sent_calls + calls > caps.calls:
            error = TransientError(
                f"budget.max_calls = {caps.calls} is reached: {ledger.sent_calls} calls were sent",
                hint="everything so far is kept; raise budget.max_calls and run the same command to go on",
            )
            return Parked(error, may_pass=False)
        if caps.micro_usd is not None and spent + reserve > caps.micro_usd:
            error = TransientError(
                f"budget.max_cost_usd = {caps.micro_usd / 1e6:g} could be passed: {spent / 1e6:.6f} is spent or set"
                f" aside, the next call may cost {reserve / 1e6:.6f}",
                hint="everything so far is kept; raise budget.max_cost_usd and run the same command to go on",
            )
            return Parked(error, may_pass=True)
        return None

    def fail(
        self,
        attempt: int,
        *,
        reserve: int,
        cost: int,
        outcome: str,
        status: int | None,
        detail: str,
        body: bytes | None,
    ) -> asyncio.Future[None]:
        """Settle an attempt that gave no answer; the call may be sent again. A body that was paid for is kept."""

        def write(connection: sqlite3.Connection) -> None:
            self._settle(connection, attempt, reserve, cost, outcome, status, detail, body)

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
    ) -> asyncio.Future[None]:
        """Record how a call ended, and settle its last attempt at `paid` micro-USD."""

        def write(connection: sqlite3.Connection) -> None:
            self._settle(connection, attempt, reserve, paid, entry.state, status, None, None)
            record(connection, entry, body, run_id)

        return self.writer.put(write)

    def _settle(self, connection: sqlite3.Connection, attempt: int, reserve: int, cost: int, *outcome: Any) -> None:
        connection.execute(
            "UPDATE attempts SET cost_micro_usd = ?, outcome = ?, status = ?, detail = ?, body = ? WHERE attempt = ?",
            (cost, *outcome, attempt),
        )
        self.ledger.reserved_micro_usd -= reserve
        self.pay(connection, cost)

    def pay(self, connection: sqlite3.Connection, cost: int) -> None:
        """Add to what was spent, within a write."""
        if cost:
            connection.execute("UPDATE ledger SET value = value + ? WHERE name = 'spent_micro_usd'", (cost,))
            self.ledger.spent_micro_usd += cost

    def end(self, entry: Entry, run_id: str) -> None:
        """Record how a call ended that is not sent again, from a thread."""
        self.writer.apply(lambda connection: record(connection, entry, None, run_id))

    def vectors(self, completion_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the recorded vectors (float32 bytes) of these texts, of those that are there and whole."""
        found: dict[str, bytes] = {}
        for ids in _parts(completion_ids):
            query = f"SELECT completion_id, vector, checksum FROM vectors WHERE completion_id IN ({_marks(ids)})"  # noqa: S608 - only question marks
            found.update(
                (name, vector) for name, vector, checksum in self.select(query, ids) if zlib.crc32(vector) == checksum
            )
        return found

    def remember(
        self, attempt: int, vectors: Iterable[tuple[str, bytes]], *, reserve: int, paid: int
    ) -> asyncio.Future[None]:
        """Record the vectors that one embedding call gave, and settle its attempt."""
        rows = [(name, vector, zlib.crc32(vector)) for name, vector in vectors]

        def write(connection: sqlite3.Connection) -> None:
            self._settle(connection, attempt, reserve, paid, DONE, 200, None, None)
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

        return self.writer.put(write)

    def after(self, watermark: int, limit: int) -> list[tuple[Any, ...]]:
        """Return answered calls after a watermark, oldest first, as the columns of records.Completion."""
        return self.select(
            "SELECT c.completion_id, c.sequence, coalesce(calls.role, ''), c.model, coalesce(calls.request, ''),"
            " c.text, CASE c.state WHEN 'done' THEN c.finish_reason ELSE c.state END, c.prompt_tokens,"
            " c.completion_tokens, c.cached_tokens, c.cost_micro_usd / 1e6, c.attempts, c.latency_seconds, c.run_id"
            " FROM completions AS c LEFT JOIN calls USING (completion_id)"
            " WHERE c.sequence > ? ORDER BY c.sequence LIMIT ?",
            (watermark, limit),
        )

    def cost(self, run_id: str) -> int:
        """Return what a run has paid, in micro-USD: answers, failed attempts, and outcomes nobody knows."""
        return self.select("SELECT coalesce(sum(cost_micro_usd), 0) FROM attempts WHERE run_id = ?", (run_id,))[0][0]

    def refused(self, reason: str | None = None) -> list[str]:
        """Return the ids of calls that ended in a refusal, of one reason or of any."""
        rows = self.select(
            "SELECT completion_id FROM completions WHERE state <> 'done' AND state = coalesce(?, state)"
            " ORDER BY sequence",
            (reason,),
        )
        return [row[0] for row in rows]

    def reopen(self, reason: str | None = None) -> list[str]:
        """Make refused calls askable again; their attempts stay on record. Returns their ids."""
        refused = self.refused(reason)
        self.forget(refused)
        return refused

    def holding(self, fragments: Sequence[str]) -> list[str]:
        """Return the ids of calls whose request, answer or failed attempts hold one of these texts.

        Requests are JSON: a fragment must be free of what JSON escapes (quotes, backslashes, line ends).
        """
        looked = [re.compile("|".join(map(re.escape, part))) for part in _parts(fragments)]
        texts = self.reader.execute(
            "SELECT completion_id, request FROM calls UNION ALL SELECT completion_id, text FROM completions"
            " UNION ALL SELECT completion_id, CAST(body AS TEXT) FROM completions WHERE body IS NOT NULL"
            " UNION ALL SELECT completion_id, coalesce(detail, '') || coalesce(CAST(body AS TEXT), '') FROM attempts"
        )
        return sorted({name for name, text in texts if any(one.search(text or "") for one in looked)})

    def erase(self, completion_ids: Sequence[str]) -> None:
        """Take the words of calls out for good: request, answer, bodies, vectors. What they cost stays on record."""

        def write(connection: sqlite3.Connection) -> None:
            names = [(name,) for name in completion_ids]
            for table in ("completions", "calls", "vectors", "batch_calls"):
                connection.executemany(f"DELETE FROM {table} WHERE completion_id = ?", names)  # noqa: S608 - our own names
            connection.executemany("UPDATE attempts SET detail = NULL, body = NULL WHERE completion_id = ?", names)

        self.writer.apply(write)

    def compact(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it, nor in its log."""
        self.reader.execute("VACUUM")
        self.reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for damaged in self.path.parent.glob(f"{self.path.stem}.damaged.sqlite*"):
            damaged.unlink()

    def ability(self, endpoint: str, model: str) -> Mapping[str, Any]:
        """Return what was learned of an endpoint: how to ask it for structure, which parameters it does not know."""
        rows = self.select("SELECT ability FROM abilities WHERE endpoint = ? AND model = ?", (endpoint, model))
        return json.loads(rows[0][0]) if rows else {}

    def learn(self, endpoint: str, model: str, ability: Mapping[str, Any]) -> asyncio.Future[None]:
        """Remember what was learned of an endpoint."""
        row = (endpoint, model, json.dumps(ability, sort_keys=True))
        return self.writer.put(lambda c: c.execute("INSERT OR REPLACE INTO abilities VALUES (?, ?, ?)", row) and None)

    def close(self) -> None:
        """Commit what is queued, close the file, give the lock back."""
        self.writer.waiting.put(None)
        self.writer.join()
        self.reader.close()
        os.close(self.lock)


def outcomes(path: Path) -> list[tuple[str, int, int]]:
    """Return how attempts ended: (outcome, HTTP status or 0, how many). Reads beside a process that writes.

    A journal that is not there has none.
    """
    if not path.is_file():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)) as connection:
        return connection.execute(
            "SELECT coalesce(outcome, 'open'), coalesce(status, 0), count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()


def _prepared(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_SCHEMA)
        connection.execute("SELECT max(sequence) FROM completions").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + LOOKUP_IDS] for start in range(0, len(ids), LOOKUP_IDS))


def _marks(ids: Sequence[str]) -> str:
    return ",".join("?" * len(ids))


def _delete(connection: sqlite3.Connection, completion_ids: Sequence[str]) -> int:
    names = [(name,) for name in completion_ids]
    return connection.executemany("DELETE FROM completions WHERE completion_id = ?", names).rowcount


def record(connection: sqlite3.Connection, entry: Entry, body: bytes | None, run_id: str) -> None:
    """Insert how a call ended, within a write; an end that is there already stays."""
    connection.execute(
        f"INSERT INTO completions ({_ENTRY}, body, run_id, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own column names
        " ON CONFLICT (completion_id) DO NOTHING",
        (*entry, body, run_id, entry.checksum()),
    )


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
    with contextlib.closing(_prepared(path)) as target:
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
