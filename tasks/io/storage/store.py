"""The DuckDB door: one store is a directory, one process writes it at a time, and every statement is a file of `sql/`.

Whoever only looks opens a snapshot of it (snapshots.py), never the file that a run may be writing.
The database can be rebuilt from the journal and the Parquet shards; it never holds the only copy of a paid answer.
It is opened locked down: no extension is loaded, no file is read by SQL, no Python variable is visible to it.
"""

import gc
import hashlib
import itertools
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb
import polars as pl
import pyarrow as pa

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError
from wellspring.tasks.io import files
from wellspring.tasks.io.storage import (
    foreign,
    holding,
    journal_file,
    links,
    outliving,
    pairing,
    rights,
    snapshots,
    versions,
)
from wellspring.tasks.io.storage.snapshots import Snapshot
from wellspring.tasks.io.storage.statements import statement, views

pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what it has freed: 100 MB after some shards

T = TypeVar("T")

_OF_THE_DISK = (
    *("No space left", "File too large", "Disk quota", "Read-only file system", "Permission denied"),
    *("Input/output error", "Could not write", "Could not sync", "fsync failed", "Could not truncate"),
)
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
}
_OF_DAMAGE = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)
_SIGNS_OF_DAMAGE = ("Corrupt", "corrupt", "checksum", "read enough bytes", "has been invalidated", "deserialize")
LANDMARKS = 100  # answers by which a journal and a database know each other
FOREIGN_SECONDS = 5.0  # for which a program that is no run of ours may have the database
FIRST_SECONDS = 10.0  # for which a reader waits for the first snapshot of a run at work
KEPT_SECONDS = 86_400.0  # for which what a killed reader left is left alone: it may be at work
_CONNECTING = threading.Lock()
READING = "reading"  # a folder of the store: what readers spill, and copies that they work on
DATABASE, JOURNAL = "wellspring.duckdb", "completions.sqlite"
_ANEW = (
    f"move {DATABASE} (and {DATABASE}.wal, if it is there) away; the next `wellspring build` makes it anew from the "
    "journal, and pays for no answer that is in it"
)
MEMORY_MB = 512  # of all that it holds; keys of tables must fit into it
STREAM_MB, KEY_BYTES = 64, 128  # of it while shards pass, and for each row, whose key stays in memory


class DatabaseMemoryError(BrokenError):
    """The database may not hold what a statement needs."""


class Store:
    """An open store: a context manager. Its lock is freed when it is closed, and when the process dies."""

    def __init__(
        self,
        path: Path,
        memory_mb: int,
        lock: int | None = None,
        *,
        snapshot: Snapshot | None = None,
        database: Path | None = None,
        wait: bool = False,
    ) -> None:
        """Open the database of the store in `path`, as its writer; or a snapshot; or a copy, to make tables in."""
        self.path = path
        self.memory_mb = memory_mb
        self.snapshot = snapshot
        self._lock = lock
        self._reads_only = snapshot is not None and database is None
        self._database = database or (snapshots.path_of(path, snapshot) if snapshot else path / DATABASE)
        self._wait = wait
        self._is_open = True
        self._connection = self._connected()
        self._is_shared = rights.take(path)
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._streams: weakref.WeakSet[Generator[pl.DataFrame, None, None]] = weakref.WeakSet()
        self._rest_until = time.monotonic() + snapshots.EVERY_SECONDS
        self.asked: dict[str, list[dict[str, Any]]] = {}

    @classmethod
    def open(cls, directory: str | Path, *, wait: bool = False, owner: str = "", memory_mb: int = MEMORY_MB) -> Self:
        """Open or make the store in `directory`, and hold its lock.

        Args:
            directory: The store.
            wait: Wait for the process that holds it, instead of giving up.
            owner: Who asks, for the message that the next one sees (a run id).
            memory_mb: What the database may hold in memory; beyond it, it sorts and joins in files of the store.

        Raises:
            TransientError: Another process works on it; the message says which.
            BrokenError: It is no directory, cannot be written, or its database cannot be read or is another store's.
            UsageError: A newer Wellspring wrote it.
        """
        path = Path(directory).absolute()
        links.refuse(path)
        with _placed(path):
            path.mkdir(parents=True, exist_ok=True)
        with rights.taken(path):
            return cls._opened(path, owner=owner, memory_mb=memory_mb, wait=wait)

    @classmethod
    def _opened(cls, path: Path, *, owner: str, memory_mb: int, wait: bool) -> Self:
        lock = holding.acquire(path, wait=wait)
        with _whole(path):
            try:
                with holding.turn(path / snapshots.LOCK, f"a copy of {path} to make"):
                    _refuse_newer(path)
                holding.sign(lock, owner, path)
                with _placed(path):
                    for room in ("shards", "indexes", "exports", "events"):
                        (path / room).mkdir(exist_ok=True)
                with suppress(OSError):  # what is in the way of pages is in the way of no run
                    (path / "pages").mkdir(exist_ok=True)
                _sweep(path / READING)
                kept = outliving.kept(path / JOURNAL, needed=not (path / DATABASE).is_file())
                _part_from_log(path / DATABASE)
                store = cls(path, memory_mb, lock, wait=wait)
            except BaseException:
                os.close(lock)
                raise
            try:
                with _named_errors(store):
                    store._refuse_foreign()
                    store._define()
                if kept is not None:
                    store._share(kept)
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def read(cls, directory: str | Path, *, works: bool = False) -> Self:
        """Open the newest snapshot of a store, beside any run and any other reader.

        It is of the last few minutes while a run works, and else as the store stands: then a reader makes it, if what
        is there is older, or of an older Wellspring.

        Args:
            directory: The store.
            works: Open a copy of it, in which tables can be made; it is gone when it is closed.

        Raises:
            BrokenError: There is no store in that directory, or no snapshot of it can be made.
            TransientError: A run has just begun, and left no snapshot yet; the message says which.
            UsageError: A newer Wellspring wrote it.
        """
        path = Path(directory).absolute()
        links.refuse(path)
        refuse_none(directory)
        journal_file.refuse_newer(path / JOURNAL)
        with rights.taken(path):
            while True:
                snapshot = _newest(path)
                with suppress(_GoneError):
                    return cls._reader(path, snapshot, works=works)

    @classmethod
    def _reader(cls, path: Path, snapshot: Snapshot, *, works: bool) -> Self:
        """Open a snapshot; it was whole if it is the newest one still when it is open."""
        database = _room(path) / DATABASE if works else None
        try:
            if database is not None:
                _copy(snapshots.path_of(path, snapshot), database)
            store = cls(path, MEMORY_MB, snapshot=snapshot, database=database)
        except BrokenError as error:
            if database is not None:
                shutil.rmtree(database.parent)
            if snapshots.latest(path) == snapshot and not _is_dropped(path, snapshot):
                raise
            raise _GoneError from error
        if snapshots.latest(path) != snapshot:
            store.close()
            raise _GoneError
        return store

    @property
    def shards(self) -> Path:
        """Parquet files of the computed stages."""
        return self.path / "shards"

    @property
    def indexes(self) -> Path:
        """Indexes, matrices and fits: caches that are rebuilt when they are stale or damaged."""
        return self.path / "indexes"

    @property
    def exports(self) -> Path:
        """Datasets, as trainers read them."""
        return self.path / "exports"

    @property
    def pages(self) -> Path:
        """What people look at: static HTML."""
        return self.path / "pages"

    @property
    def events(self) -> Path:
        """Lineage events (OpenLineage), one JSON a line."""
        return self.path / "events"

    def _refuse_foreign(self) -> None:
        """Refuse a database that holds what would be taken for ours: functions, views for tables, computed columns.

        What a run has left there that was killed while its pages were drawn is ours, and is taken away.
        """
        self._connection.execute(statement("rows/drop")[0])
        if strange := foreign.found(self._connection):
            raise BrokenError(
                f"{self.path / DATABASE} holds what Wellspring did not make: {', '.join(strange)[:400]}",
                hint=f"it is derived: {_ANEW}",
            )

    def _define(self) -> None:
        """Make the tables, or bring older ones up to date, a version at a time: each with its number, or not at all."""
        found, newest = _version(self._connection), versions.newest("store")
        tables = "\n".join(statement(f"{table}/table")[0] for table in records.TABLES if table != "upgrades")
        steps = {newest: tables} if found is None else versions.due("store", found)
        if found is not None:
            self._connection.execute(tables)  # those that it did not have: an upgrade may count on all of them
        for number, upgrade in steps.items():
            with self.transaction():
                self._connection.execute(upgrade)
                self._connection.execute(statement("upgrades/table")[0])
                self.append("upgrades", [records.Upgrade(number, found, datetime.now(UTC).replace(tzinfo=None))])
            found = number
        with self.transaction():  # one write to disk; those of later tables are made of those of earlier ones
            self._connection.execute("\n".join(statement(view)[0] for view in views()))

    def _connected(self) -> duckdb.DuckDBPyConnection:
        """Connect, once no other program has the database; with `wait` however long that takes."""
        until = time.monotonic() + FOREIGN_SECONDS
        spilt = self.path / "tmp" if self._lock is not None else self.path / READING / f"{os.getpid()}"
        while True:
            try:
                return _connect(self._database, spilt, self.memory_mb, reads_only=self._reads_only)
            except duckdb.Error as error:
                if "Could not set lock" not in str(error):
                    raise _unusable(self, error, "cannot be opened") from error
                if not self._wait and time.monotonic() > until:
                    raise holding.foreign(self._database, str(error)) from error
            time.sleep(holding.LOCK_POLL_SECONDS / 5)

    def share(self, owner: str) -> None:
        """Put a snapshot of what is committed in place, for readers; the caller is the one who writes.

        Args:
            owner: The run.

        Raises:
            OSError: It cannot be written; the one before it stays.
        """
        started = time.monotonic()
        made, taken_at = snapshots.fresh(self.path), snapshots.now()
        try:
            snapshots.copy(self._database, made)
            _put(self.path, made, owner, snapshots.source(self._database), taken_at)
        except BaseException:
            snapshots.discard(made)
            raise
        finally:
            took = time.monotonic() - started
            self._rest_until = time.monotonic() + max(snapshots.EVERY_SECONDS, snapshots.SHARE * took)

    def share_in_time(self, owner: str) -> None:
        """Put a snapshot in place if the last one is some minutes old, and longer the longer that one took."""
        if time.monotonic() > self._rest_until:
            self.share(owner)

    def leave(self, owner: str) -> None:
        """Close the database and leave a snapshot of it; the store stays locked until it is closed."""
        self._connection.close()
        self.share(owner)

    def copy_to(self, target: Path) -> None:
        """Copy the snapshot that is read to another place, with its log.

        Raises:
            BrokenError: It cannot be written.
        """
        _copy(self._database, target)

    def _share(self, kept: outliving.Rows) -> None:
        """Bring in what this store's journal keeps for a database that is made anew, and have it keep what it lacks."""
        numbered = self.query("completions/latest", at_most=LANDMARKS).rows()
        pairing.refuse_strangers(self.path / JOURNAL, numbered, DATABASE)
        self.recall(kept)
        own = self._outliving()
        outliving.keep(self.path / JOURNAL, {table: sorted({*own[table]} - {*kept[table]}) for table in own})

    def recall(self, kept: outliving.Rows) -> None:
        """Take over rows that a journal keeps: what was forgotten or decided, here or before this database was made."""
        new = 0
        for table, rows in kept.items():
            names = records.schema(table).names
            columns = zip(*rows, strict=True) if rows else ((),) * len(names)
            new += self.append(table, pa.table([pa.array(column, pa.string()) for column in columns], names=names))
        if new:
            self.execute("tombstones/refuse")

    def entrust(self) -> None:
        """Have the journal keep what must outlive this database."""
        outliving.keep(self.path / JOURNAL, self._outliving())

    def _outliving(self) -> dict[str, list[tuple[str, ...]]]:
        return {table: self.query(f"{table}/all").cast(pl.String).rows() for table in outliving.TABLES}

    def query(self, name: str, **params: Any) -> pl.DataFrame:
        """Run `sql/<name>.sql` and return its rows; parameters that it does not name are left out."""
        text, names = statement(name)
        with _named_errors(self), self._cursor() as cursor:
            return cursor.sql(text, params=self._bind(name, names, params)).pl()

    def stream(self, name: str, rows: int = 1000, **params: Any) -> Iterator[pl.DataFrame]:
        """Run `sql/<name>.sql` and yield its rows in frames of about `rows`, as they were when it began.

        One that was not read to its end is closed with the store: DuckDB waits for ever to open a file whose old
        connection has a result left, and a traceback that somebody keeps would hold that.
        """
        frames = self._streamed(name, rows, params)
        self._streams.add(frames)
        return frames

    def _streamed(self, name: str, rows: int, params: Mapping[str, Any]) -> Generator[pl.DataFrame, None, None]:
        text, names = statement(name)
        with _named_errors(self), self._cursor() as cursor:
            for batch in cursor.sql(text, params=self._bind(name, names, params)).to_arrow_reader(rows):
                yield pl.from_arrow(batch)  # pyright: ignore[reportReturnType]

    def count(self, name: str, **params: Any) -> int:
        """Return how many rows `sql/<name>.sql` has, without fetching them."""
        text, names = statement(name)
        with _named_errors(self), self._cursor() as cursor:
            inner = text.rstrip().rstrip(";")
            row = cursor.execute(f"SELECT count(*) FROM ({inner}\n)", self._bind(name, names, params)).fetchone()  # noqa: S608 - a file of ours
        return int(row[0]) if row else 0

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._connection.cursor() as cursor:
            self._cursors.add(cursor)
            try:
                yield cursor
            finally:
                self._cursors.discard(cursor)

    def interrupt(self) -> None:
        """Break off what the database is doing, from another thread: it does not hear of signals by itself."""
        for connection in (self._connection, *tuple(self._cursors)):
            connection.interrupt()

    def _bind(self, name: str, names: frozenset[str], params: Mapping[str, Any]) -> dict[str, Any]:
        """Check the parameters of a query; what is asked for as due stays in `asked`, to be asked again by others."""
        bound = _bound(name, names, params)
        if "/pending" in name and bound not in self.asked.setdefault(name, []):
            self.asked[name].append(bound)
        return bound

    def execute(self, name: str, **params: Any) -> int:
        """Run the statement `sql/<name>.sql` and return how many rows it changed."""
        text, names = statement(name)
        with _named_errors(self):
            row = self._connection.execute(text, _bound(name, names, params)).fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else 0

    def append(self, table: str, rows: pa.Table | Iterable[Any]) -> int:
        """Append rows to a table and return how many were new; a row whose key is there already is left as it is.

        Args:
            table: A name of `records.TABLES`.
            rows: An Arrow table in the schema of that record, or its records.
        """
        arrow: pa.Table = rows if isinstance(rows, pa.Table) else records.to_arrow(table, rows)
        if not arrow.num_rows:
            return 0
        arrow = arrow.select(records.schema(table).names).cast(records.schema(table))
        with _named_errors(self):
            self._connection.register("incoming", arrow)
            try:
                once = " ON CONFLICT DO NOTHING" if "PRIMARY KEY" in statement(f"{table}/table")[0] else ""
                insert = f'INSERT INTO "{table}" BY NAME SELECT * FROM incoming{once}'  # noqa: S608 - schema() knows the name
                row = self._connection.execute(insert).fetchone()
            finally:
                with suppress(duckdb.TransactionException):  # aborted: the name is taken over by the next rows
                    self._connection.unregister("incoming")
        return int(row[0]) if row else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes together, or nothing of it."""
        with _named_errors(self):
            self._connection.begin()
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def sparing(self, work: Callable[[], T], size_bytes: int = 0) -> T:
        """Do work while the database holds little: else what it wrote or read stays, up to its bound.

        Keys stay in any case; so memory grows with them alone, and not with the texts of a corpus. Where little does
        not do, the work is done again with all that the database may hold.

        Args:
            work: Reads, or writes in one transaction.
            size_bytes: Of the rows that pass.
        """
        rows = self.query("shards/rows_of_all")["rows"][0]
        little = STREAM_MB + (2 * size_bytes + KEY_BYTES * rows) // 2**20
        self._hold(min(self.memory_mb, little))
        with suppress(DatabaseMemoryError):
            try:
                return work()
            finally:
                self._hold(self.memory_mb)
        return work()

    def _hold(self, megabytes: int) -> None:
        with suppress(duckdb.OutOfMemoryException):  # what is in use stays
            self._connection.execute(f"SET memory_limit = '{megabytes}MB'")

    def checkpoint(self) -> None:
        """Fold the write-ahead file into the database."""
        with _named_errors(self):
            self._connection.execute("CHECKPOINT")

    def rewrite(self) -> None:
        """Write the database anew, so that nothing of what was deleted is left in its file, nor in a snapshot.

        The copy takes the place of the file at once or not at all; nobody else may use this store's cursors meanwhile.
        """
        old, fresh = self.path / DATABASE, self.path / f"{DATABASE}.part"
        fresh.unlink(missing_ok=True)
        snapshots.clear(self.path)
        for kept_aside in self.path.glob(f"{DATABASE}*.damaged-*"):  # the log of a database that was lost
            kept_aside.unlink()
        gc.collect()  # cursors that a run which broke off left in the middle of a transaction
        self.checkpoint()
        self._connection.close()
        try:
            with _named_errors(self), duckdb.connect() as copier:
                copier.execute(f"ATTACH '{_quoted(old)}' AS old (READ_ONLY)")
                copier.execute(f"ATTACH '{_quoted(fresh)}' AS fresh")
                copier.execute("COPY FROM DATABASE old TO fresh")
                copier.execute("DETACH fresh")
            files.put(fresh, old)
        finally:
            self._connection = self._connected()

    def close(self) -> None:
        """Close the database and free the lock; closing twice is fine."""
        if not self._is_open:
            return
        self._is_open = False
        for frames in tuple(self._streams):
            frames.close()
        self._connection.close()
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None
        elif self.snapshot is not None and not self._reads_only:
            shutil.rmtree(self._database.parent, ignore_errors=True)
        rights.give_back(taken=self._is_shared)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _GoneError(Exception):
    """A snapshot went while it was opened: a newer one is there."""


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def refuse_newer(directory: Path) -> None:
    """Refuse a store that a newer Wellspring wrote, its journal too, before anything of it is touched.

    Raises:
        BrokenError: Something in it is a link.
        UsageError: The version of either is above those that this code knows.
    """
    links.refuse(directory)
    journal_file.refuse_newer(directory / JOURNAL)
    if (directory / DATABASE).is_file():
        try:
            Store.read(directory).close()
        except UsageError:
            raise
        except (BrokenError, TransientError):  # damaged, or at work for a moment: there is no telling
            return


def _refuse_newer(directory: Path) -> None:
    """Do so as the one who holds the store, by its database itself."""
    path, found = directory / DATABASE, 0
    if path.is_file():
        with suppress(duckdb.Error), closing(duckdb.connect(str(path), read_only=True, config=_LOCKED)) as connection:
            found = _version(connection) or 0
    versions.refuse_newer("store", directory, found)
    journal_file.refuse_newer(directory / JOURNAL)


def _newest(path: Path) -> Snapshot:
    """Return the newest snapshot of a store: of a run at work its last, else one of the store as it stands."""
    until = time.monotonic() + FIRST_SECONDS
    while True:
        found = snapshots.latest(path)
        if not _is_current(path, found) and holding.holder(path) is None:
            found = _renewed(path)
        if found is not None:
            versions.refuse_newer("store", path, found.version)
            return found
        if time.monotonic() > until:
            raise TransientError(
                f"the store {path} is at work, and has left nothing to read yet", hint="look again in some seconds"
            )
        time.sleep(holding.LOCK_POLL_SECONDS / 5)


def _is_current(path: Path, found: Snapshot | None) -> bool:
    """Whether a snapshot is of the store as it stands, with the views of this code."""
    return found is not None and (found.source, found.defined) == (snapshots.source(path / DATABASE), _definition())


def refuse_none(directory: str | Path) -> None:
    """Refuse to look where there is no store.

    Raises:
        BrokenError: There is none.
    """
    path = Path(directory).absolute()
    if not (path / DATABASE).is_file():
        raise BrokenError(f"there is no store in {path}", hint=f"make one with: wellspring build --store {directory}")


def holder(directory: str | Path) -> Mapping[str, Any] | None:
    """Return who holds a store (pid, host, owner), or None when it is free.

    Raises:
        BrokenError: Something in it is a link.
    """
    links.refuse(Path(directory))
    return holding.holder(directory)


def is_new(directory: Path) -> bool:
    """Whether a store is at work that never had a snapshot: its first run has just begun."""
    return not has_snapshot(directory) and holder(directory) is not None


def has_snapshot(directory: Path) -> bool:
    """Whether readers find something in a store that is held."""
    return snapshots.latest(directory) is not None


def _renewed(path: Path) -> Snapshot | None:
    """Make a snapshot of a store that nobody holds, in turn; a run that begins meanwhile waits until it is made."""
    with holding.turn(path / snapshots.LOCK, f"a copy of {path} to make"):
        found = snapshots.latest(path)
        if _is_current(path, found) or holding.holder(path) is not None:
            return found
        made, taken_at = snapshots.fresh(path), snapshots.now()
        try:
            source = _quiet_copy(path / DATABASE, made)
            _bring_up(path, made)
            return _put(path, made, "", source, taken_at)
        except BaseException:
            snapshots.discard(made)
            raise


def _quiet_copy(database: Path, made: Path) -> tuple[int, ...]:
    """Copy a database that nobody writes, and return what tells whether it was written since."""
    source = snapshots.source(database)
    _copy(database, made)
    if snapshots.source(database) != source:
        raise holding.foreign(database, "")
    return source


def _bring_up(path: Path, made: Path) -> None:
    """Fold the log of a copy into it, and bring it up to date: its tables, its views, and what the journal keeps."""
    with Store(path, MEMORY_MB, database=made) as copy, _named_errors(copy):
        versions.refuse_newer("store", path, _version(copy._connection) or 0)  # noqa: SLF001 - of this file
        copy._refuse_foreign()  # noqa: SLF001 - of this file
        copy._define()  # noqa: SLF001 - of this file
        if kept := outliving.kept(path / JOURNAL, needed=False):
            copy.recall(kept)


def _room(path: Path) -> Path:
    """Make a folder for a copy that one reader works on."""
    try:
        (path / READING).mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="copy-", dir=path / READING))
    except OSError as error:
        raise BrokenError(
            f"{path / READING} cannot be written: {error.strerror}", hint="free space, or let this user write the store"
        ) from error


def _copy(database: Path, target: Path) -> None:
    try:
        snapshots.copy(database, target)
    except OSError as error:
        raise BrokenError(
            f"{database} cannot be copied to {target.parent}: {error.strerror}",
            hint="free space, or let this user write the store: readers read a copy",
        ) from error


def _put(path: Path, made: Path, owner: str, source: tuple[int, ...], taken_at: datetime) -> Snapshot:
    said = taken_at.isoformat(timespec="seconds")
    return snapshots.put(path, made, Snapshot(made.name, said, owner, versions.newest("store"), _definition(), source))


def _is_dropped(path: Path, snapshot: Snapshot) -> bool:
    """Take a snapshot away that cannot be opened, if it can be made again now: nobody holds the store."""
    with holding.turn(path / snapshots.LOCK, f"a copy of {path} to make"):
        is_free = holding.holder(path) is None
        if is_free and snapshots.latest(path) == snapshot:
            snapshots.clear(path)
        return is_free


@lru_cache(maxsize=1)
def _definition() -> str:
    """Return the digest of all tables and views, as `_define` makes them."""
    names = [*(f"{noun}/table" for noun in records.TABLES), *views()]
    return hashlib.sha256("".join(statement(name)[0] for name in names).encode()).hexdigest()


def _sweep(folder: Path) -> None:
    """Take away what readers left that were killed long ago."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(path)


@contextmanager
def _placed(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenError(
            f"the store {path} cannot be made: {error.strerror}", hint="choose another --store, or free the place"
        ) from error


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the version of the tables, 0 for those of before there were versions, None where there are none."""
    names = {row[0] for row in connection.execute(foreign.TABLES).fetchall()}
    if "upgrades" not in names:
        return 0 if names else None
    row = connection.execute("SELECT max(version) FROM upgrades").fetchone()
    return row[0] if row else None


def _connect(database: Path, spilt: Path, memory_mb: int, *, reads_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect, and lock it down; readers of one process share the instance, which then is locked down already.

    Args:
        database: The file.
        spilt: The folder for what does not fit into memory.
        memory_mb: How much may.
        reads_only: Share the file with other readers.
    """
    if spilt.parent.name == READING:
        with suppress(OSError):
            spilt.parent.mkdir(exist_ok=True)
    config = {
        **_LOCKED,
        "preserve_insertion_order": "true",
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(spilt),
    }
    with _CONNECTING:
        connection = duckdb.connect(str(database), read_only=reads_only, config=config)
        if connection.execute("SELECT current_setting('lock_configuration')").fetchone() != (True,):
            connection.execute("SET enable_progress_bar = false")  # it would write between our lines
            connection.execute("SET allowed_configs = ['memory_limit']")
            connection.execute("SET lock_configuration = true")
    return connection


def _part_from_log(database: Path) -> None:
    """Keep the log of a database that was moved away from the new one, which would take it for its own."""
    log = database.with_name(f"{database.name}.wal")
    if log.exists() and not database.exists():
        names = (log.with_name(f"{log.name}.damaged-{number}") for number in itertools.count(1))
        files.put(log, next(name for name in names if not name.exists()))


def _unusable(store: Store, error: duckdb.Error, what: str) -> BrokenError:
    """Return what a person is told of a database that cannot be used, with the way out of a full disk or of damage."""
    said = str(error).splitlines()[0]
    path = store.path / DATABASE
    anew = f"it is derived: {_ANEW}"
    if _is_of_the_disk(error):
        anew = "free space or repair the disk, then run the same command: it goes on where it stopped"
    elif "version number" in said:
        anew = f"another version of DuckDB wrote it: use that one (this is {duckdb.__version__}); or, since {anew}"
    elif store.snapshot is not None:
        path = snapshots.path_of(store.path, store.snapshot)
        what = f"(a copy of {DATABASE}) {what}"
        anew = (
            f"delete the folder {path.parent}; the next command makes another copy. Where that says the same,"
            f" {DATABASE} is damaged itself, and derived: {_ANEW}"
        )
    return BrokenError(f"{path} {what}: {said}", hint=anew)


def _bound(name: str, names: frozenset[str], params: Mapping[str, Any]) -> dict[str, Any]:
    missing = names - params.keys()
    if missing:
        raise BrokenError(f"query `{name}` needs {', '.join(f'${m}' for m in sorted(missing))}")
    return {key: params[key] for key in names}


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Leave no database behind that was begun and not made: torn by a full disk, it would be taken for damaged."""
    is_new = not (path / DATABASE).is_file()
    try:
        yield
    except BaseException:
        for name in (DATABASE, f"{DATABASE}.wal") if is_new else ():
            (path / name).unlink(missing_ok=True)
        raise


@contextmanager
def _named_errors(store: Store) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, RuntimeError) as error:
        # DuckDB lets Python's handlers run, and puts a RuntimeError in place of what they raise.
        if isinstance(error, duckdb.InterruptException | RuntimeError) and "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        if named := _named(store, error):
            raise named from error
        raise


def _named(store: Store, error: Exception) -> BrokenError | None:
    """Return what a person is told of an error of the database's disk, memory or file; None of any other."""
    of_commit = isinstance(error, duckdb.TransactionException)
    if isinstance(error, duckdb.OutOfMemoryException) or (of_commit and "allocate" in str(error)):
        return DatabaseMemoryError(
            f"the database of {store.path} needs more than its {store.memory_mb} MB of memory",
            hint=f"raise it: --set database_mb={2 * store.memory_mb}; the same command then goes on where it stopped",
        )
    if isinstance(error, duckdb.IOException | duckdb.TransactionException) and _is_of_the_disk(error):
        return _unusable(store, error, "cannot be written")
    if isinstance(error, _OF_DAMAGE) or (isinstance(error, duckdb.Error) and _shows_damage(error)):
        return _unusable(store, error, "is damaged")
    return None


def _is_of_the_disk(error: duckdb.Error) -> bool:
    return any(sign in str(error) for sign in _OF_THE_DISK)


def _shows_damage(error: duckdb.Error) -> bool:
    return any(sign in str(error) for sign in _SIGNS_OF_DAMAGE)
