"""The journal's file: its tables, how it is opened, locked, and saved when it is damaged.

One SQLite file, WAL, `synchronous=FULL`, written by the one thread of `journal_writer.py`.
"""

import contextlib
import errno
import fcntl
import functools
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import carving, mounts, rights, versions

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
CREATE TABLE IF NOT EXISTS decisions (
    kind TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL, decided_at TEXT NOT NULL,
    PRIMARY KEY (kind, value, decided_at)
);
CREATE TABLE IF NOT EXISTS reads (
    kind TEXT NOT NULL, fingerprint TEXT NOT NULL, input_id TEXT NOT NULL, value TEXT NOT NULL,
    checksum INTEGER NOT NULL, PRIMARY KEY (kind, fingerprint, input_id)
);
"""


Connection = sqlite3.Connection  # for those who write through the journal; SQLite itself is imported here only
Failure = sqlite3.Error
_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # a complaint may quote a schema that is no text any more
_ID = r"[0-9a-f]{20}"
_MOMENT = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?"
_SHAPES = {  # what tells rows apart that have the same types of columns: by table and column
    "calls": {"completion_id": _ID},
    "batch_calls": {"completion_id": _ID},
    "ledger": {"name": r"spent_micro_usd|sent_calls"},
    "tombstones": {
        "kind": r"url|domain|source|text|document|instructions|groundings",
        "forgotten_at": _MOMENT,
    },
    "decisions": {"kind": r"exclude|include|rollback|forward", "decided_at": _MOMENT},
}
_as_text = functools.partial(str, encoding="utf-8", errors="replace")  # a torn text is its row's loss, not the file's


def broken(path: Path, error: Exception) -> BrokenError:
    """Return what a person is told; damage is noted beside the file, so that the next opening salvages."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or _is_only_a_log(path):
        path.with_suffix(".damaged").touch()
        return BrokenError(
            f"the journal {path} is damaged: {error} ({name})",
            hint="run `wellspring build` again: what is readable is saved, what is lost is asked for again, and the "
            "damaged file is kept beside it",
        )
    what = "disk_full: " if name == "SQLITE_FULL" or getattr(error, "errno", 0) == errno.ENOSPC else ""
    return BrokenError(
        f"the journal {path} could not be written: {what}{error} ({name})",
        hint="nothing more is sent, no answer is lost; free space or repair the disk, then run the same command again",
    )


def is_damaged(path: Path) -> bool:
    """Whether damage was noted, or only the log is left, so that the next opening saves what can be read."""
    return path.with_suffix(".damaged").exists() or _is_only_a_log(path)


def _is_only_a_log(path: Path) -> bool:
    """Whether a journal was emptied or deleted, and its log was not: SQLite would delete that, too."""
    log = path.with_name(f"{path.name}-wal")
    return log.is_file() and log.stat().st_size > 0 and not (path.is_file() and path.stat().st_size)


def shows_damage(path: Path) -> bool:
    """Whether the next opening has to save what can be read: damage was noted, or a first look at the file finds it."""
    if is_damaged(path) or _saved(path).exists():
        return True
    try:
        with contextlib.closing(_looking(path)) as connection:
            connection.execute("SELECT max(sequence) FROM completions").fetchall()
    except _DAMAGE as error:
        return not isinstance(error, sqlite3.OperationalError)
    return False


def last_number(path: Path) -> int:
    """Return the number of the last answer that a journal was ever given; of one that is not there, 0."""
    if not path.is_file() or not path.stat().st_size:
        return 0
    with reading(path) as connection:
        given = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'completions'"
        return connection.execute(given).fetchone()[0]


def _looking(path: Path) -> sqlite3.Connection:
    """Open a journal's file to look at it; nothing of what it holds is changed."""
    if _is_only_a_log(path):
        raise sqlite3.DatabaseError("only its log is left")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)
    connection.text_factory = _as_text
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal's file the way every connection to it is opened."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
    connection.text_factory = _as_text
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
    except UnicodeDecodeError as error:  # SQLite's complaint quotes a damaged schema, which is no text
        connection.close()
        raise sqlite3.DatabaseError("its schema cannot be read") from error
    return connection


def hold(path: Path, *, owner: str) -> int:
    """Take the lock that says this process writes the journal; the kernel frees it when the process ends.

    Raises:
        TransientError: A live process holds it; the message says which.
    """
    try:
        lock = rights.opened(path)
    except OSError as error:
        raise broken(path.with_suffix(".sqlite"), error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 200, 0).decode("utf-8", "replace").strip()
        os.close(lock)
        raise TransientError(
            f"the models of the store {path.parent} are asked by {holder or 'another process'}",
            hint="one process asks models for a store at a time; run it again when that one is done",
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename} (run {owner or 'unknown'})\n".encode(), 0)
    except OSError as error:
        os.close(lock)
        raise broken(path.with_suffix(".sqlite"), error) from error
    return lock


def refuse_network(path: Path) -> None:
    """Refuse a network file system: SQLite's locks and shared memory do not hold there."""
    if kind := mounts.network(path, mounts.said()):
        raise BrokenError(f"{path} lies on a network file system ({kind})", hint="choose a --store on a local disk")


def opened(path: Path) -> tuple[Connection, int]:
    """Open the journal, making it if need be; one that is damaged is saved first as far as it can be read.

    Returns:
        A connection to read with, and how many answers the damage has cost for certain.

    Raises:
        BrokenError: It cannot be opened, and not because it is damaged.
    """
    try:
        _take(path)  # what a kill kept from its place
        os.close(rights.opened(path))
        lost = salvage(path) if is_damaged(path) else 0
        try:
            return prepared(path), lost
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            lost += salvage(path)
            return prepared(path), lost
    except (OSError, sqlite3.Error) as error:
        raise broken(path, error) from error


@contextlib.contextmanager
def held(path: Path, *, owner: str) -> Iterator[tuple[Connection, int]]:
    """Open the journal as `opened` does, and keep all others from writing it until the block ends.

    Raises:
        TransientError: A live process writes it.
        BrokenError: It cannot be opened or written.
    """
    lock = hold(path.with_suffix(".lock"), owner=owner)
    try:
        connection, lost = opened(path)
        with contextlib.closing(connection):
            yield connection, lost
    except sqlite3.Error as error:
        raise broken(path, error) from error
    finally:
        os.close(lock)


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
    return _looking(path)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """Open the journal beside a process that writes it, until the block ends.

    Raises:
        BrokenError: It is damaged, or cannot be read; the message says what to do.
    """
    try:
        with contextlib.closing(read_only(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise broken(path, error) from error


def mended(path: Path, *, owner: str) -> str:
    """Save a damaged journal before a run that may not need it; return what to say of that, nothing if it is sound."""
    refuse_newer(path)
    if not (path.is_file() or _saved(path).exists() or is_damaged(path)) or not shows_damage(path):
        return ""
    with held(path, owner=owner) as (_, lost):
        pass
    return (
        f"the journal was damaged: what can be read is in a new one, the damaged file is {_damaged(path)[-1].name}; "
        f"answers that are lost, at most: {lost}; what needs them is asked for again"
    )


def _damaged(path: Path) -> list[Path]:
    """Return the damaged files that were kept beside a journal, oldest first."""
    kept = [one for one in path.parent.glob(f"{path.name}.damaged-*") if one.name.rpartition("-")[2].isdecimal()]
    return sorted(kept, key=lambda one: int(one.name.rpartition("-")[2]))


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
    """Save what can be read of a damaged journal into a new one, which takes its place whole or not at all.

    The damaged file stays beside it, as `completions.sqlite.damaged-1` and so on, with its log.

    Returns:
        How many answers were lost, at most.
    """
    old, fresh = _set_aside(path), path.with_name(f"{path.name}.part")
    for suffix in ("", "-wal", "-shm"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    os.close(rights.opened(fresh))
    with contextlib.closing(prepared(fresh)) as target:
        target.execute("BEGIN")
        lost = _save(old, target)
        target.execute("COMMIT")
    files.put(fresh, _saved(path))
    _take(path)
    return lost


def _set_aside(path: Path) -> Path:
    """Give the damaged file and its log a second name, by which they stay."""
    number = int(before[-1].name.rpartition("-")[2]) + 1 if (before := _damaged(path)) else 1
    old = path.with_name(f"{path.name}.damaged-{number}")
    for suffix in ("-wal", ""):
        with contextlib.suppress(FileNotFoundError):
            old.with_name(old.name + suffix).hardlink_to(path.with_name(path.name + suffix))
    files.flush(path.parent)
    return old


def _saved(path: Path) -> Path:
    return path.with_name(f"{path.name}.saved")


def _take(path: Path) -> None:
    """Put the saved journal in place of the damaged one, whose log must not be taken for its own."""
    if _saved(path).exists():
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        files.put(_saved(path), path)
        path.with_suffix(".damaged").unlink(missing_ok=True)


def _save(old: Path, target: sqlite3.Connection) -> int:
    """Copy all tables as SQLite reads them; what it does not find is read from the pages. Returns what is missing."""
    found = target.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    tables = [name for (name,) in found]
    torn = [table for table in tables if not _copy(old, target, table)]
    last = _last_sequence(old)
    old.with_name(f"{old.name}-shm").unlink(missing_ok=True)
    if torn:
        last = max(last, _carve(old, target, torn))
    number_from(target, last)
    target.execute("DELETE FROM batch_calls WHERE completion_id IN (SELECT completion_id FROM completions)")
    paid = "(SELECT coalesce(sum(cost_micro_usd), 0) FROM attempts)"
    target.execute(f"UPDATE ledger SET value = max(value, {paid}) WHERE name = 'spent_micro_usd'")  # noqa: S608 - our own text
    target.execute("UPDATE ledger SET value = max(value, (SELECT count(*) FROM attempts)) WHERE name = 'sent_calls'")
    rows, most = target.execute("SELECT count(*), coalesce(max(sequence), 0) FROM completions").fetchone()
    return max(last, most) - rows if "completions" in torn else 0


def number_from(connection: sqlite3.Connection, last: int) -> None:
    """Have new answers numbered above those that a database may know, or it would take them for known."""
    connection.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'completions', 0"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'completions')"
    )
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'completions'", (last,))


def _last_sequence(old: Path) -> int:
    with contextlib.suppress(*_DAMAGE), contextlib.closing(_looking(old)) as source:
        return max(
            (n for (n,) in source.execute("SELECT seq FROM sqlite_sequence WHERE name = 'completions'")), default=0
        )
    return 0


def _copy(old: Path, target: sqlite3.Connection, table: str) -> bool:
    """Copy the rows of a table from both ends towards its damage; return whether there was none."""
    seen: dict[str, int] = {}
    for order in ("ASC", "DESC"):
        try:
            with contextlib.closing(_looking(old)) as source:
                source.execute("SELECT count(*) FROM sqlite_master").fetchall()
                names = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
                if not names:
                    return True  # the journal is of before there was such a table
                for rowid, *row in source.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid {order}"):  # noqa: S608 - our own names
                    if order == "DESC" and rowid <= seen.get("ASC", rowid - 1):
                        return False
                    seen[order] = rowid
                    marks = ",".join("?" * len(names))
                    target.execute(f"INSERT OR REPLACE INTO {table} ({','.join(names)}) VALUES ({marks})", row)  # noqa: S608
            if order == "ASC":
                return True
        except _DAMAGE:
            continue
    return False


def _carve(old: Path, target: sqlite3.Connection, torn: Sequence[str]) -> int:
    """Bring over rows of torn tables that SQLite did not find, each to the table whose columns it has.

    Returns:
        The number of the last answer that there was, as far as the file still says.
    """
    columns = {table: target.execute(f"PRAGMA table_info({table})").fetchall() for table in torn}
    last = 0
    for row in carving.rows(old):
        if len(row.values) == 2 and row.values[0] == "completions" and isinstance(row.values[1], int):  # noqa: PLR2004 - sqlite_sequence
            last = max(last, row.values[1])
            continue
        fitting = [table for table in torn if _fits(row, columns[table], _SHAPES.get(table, {}))]
        table = min(fitting, key=lambda name: len(columns[name]), default=None)
        if table == "ledger":
            target.execute("UPDATE ledger SET value = max(value, ?2) WHERE name = ?1", row.values)
        elif table is not None:
            has = columns[table][: len(row.values)]
            values = [
                row.rowid if one[5] and value is None else value for one, value in zip(has, row.values, strict=True)
            ]
            names, marks = ",".join(one[1] for one in has), ",".join("?" * len(has))
            target.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608
    return last


def _fits(row: carving.CarvedRow, columns: Sequence[tuple[Any, ...]], shapes: Mapping[str, str]) -> bool:
    """Whether a row is of a table: its values are of the columns' types and shapes, and later columns have defaults."""
    kinds: dict[str, tuple[type, ...]] = {"TEXT": (str,), "INTEGER": (int,), "BLOB": (bytes,), "REAL": (float, int)}
    if len(row.values) > len(columns) or any(one[3] and one[4] is None for one in columns[len(row.values) :]):
        return False
    return all(
        isinstance(value, kinds[kind]) and (name not in shapes or re.fullmatch(shapes[name], value))
        if value is not None
        else not must or (key and kind == "INTEGER")
        for value, (_, name, kind, must, _, key) in zip(row.values, columns, strict=False)
    )
