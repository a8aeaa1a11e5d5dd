"""The DuckDB door: one store is a directory, one process writes it at a time, and every statement is a file of `sql/`.

The database can be rebuilt from the journal and the Parquet shards; it never holds the only copy of a paid answer.
It is opened locked down: no extension is loaded, no file is read by SQL, no Python variable is visible to it.
"""

import fcntl
import itertools
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb
import polars as pl
import pyarrow as pa

from tasks.contracts import records
from tasks.contracts.errors import BrokenError, TransientError
from tasks.io import files, foreign, journal_file, links, outliving, pairing, versions

pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what it has freed: 100 MB after some shards

T = TypeVar("T")

_SQL = Path(__file__).parents[2] / "sql"
_PARAMETER = re.compile(r"\$([a-z_]+)")
_VIEWS = ("fetched", "unaudited", "standing", "valid", "settled", "audited")
_OF_THE_DISK = (
    *("No space left", "File too large", "Disk quota", "Read-only file system", "Permission denied"),
    *("Input/output error", "Could not write", "Could not sync", "fsync failed", "Could not truncate"),
)
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
}
_OF_DAMAGE = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)
_SIGNS_OF_DAMAGE = ("Corrupt", "corrupt", "checksum", "read enough bytes", "has been invalidated", "deserialize")
LOCK_POLL_SECONDS = 0.5
LANDMARKS = 100  # answers by which a journal and a database know each other
DATABASE, JOURNAL = "wellspring.duckdb", "completions.sqlite"
_ANEW = (
    f"move {DATABASE} (and {DATABASE}.wal, if it is there) away; the next `wellspring build` makes it anew from the "
    "journal, and pays for no answer that is in it"
)
MEMORY_MB = 512  # of all that it holds; keys of tables must fit into it
STREAM_MB, KEY_BYTES = 64, 128  # of it while shards pass, and for each row, whose key stays in memory


class DatabaseMemoryError(BrokenError):
    """The database may not hold what a statement needs."""


@lru_cache(maxsize=256)
def statement(name: str) -> tuple[str, frozenset[str]]:
    """Return the text of `sql/<name>.sql` and the names of its parameters.

    Raises:
        BrokenError: There is no such file.
    """
    path = _SQL / f"{name}.sql"
    if not path.is_file():
        raise BrokenError(
            f"there is no query `{name}`",
            hint=f"queries of that table: {', '.join(queries(name.split('/', maxsplit=1)[0]))}",
        )
    text = path.read_text(encoding="utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return text, frozenset(_PARAMETER.findall(body))


def queries(noun: str) -> list[str]:
    """Return the names of a noun's queries, as `noun/question`."""
    return sorted(f"{noun}/{path.stem}" for path in (_SQL / noun).glob("*.sql"))


class Store:
    """An open store: a context manager. Its lock is freed when it is closed, and when the process dies."""

    def __init__(self, path: Path, memory_mb: int, lock: int | None) -> None:
        self.path = path
        self.memory_mb = memory_mb
        self._connection = _connect(path, memory_mb)
        self._lock = lock
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
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
        refuse_newer(path)
        try:
            for room in (path, *(path / name for name in ("shards", "indexes", "exports", "pages", "events"))):
                room.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BrokenError(
                f"the store {path} cannot be made: {error.strerror}", hint="choose another --store, or free the place"
            ) from error
        lock = _acquire(path / "wellspring.lock", wait=wait, owner=owner)
        with _whole(path):
            try:
                kept = outliving.kept(path / JOURNAL, needed=not (path / DATABASE).is_file())
                store = cls(path, memory_mb, lock)
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
    def read(cls, directory: str | Path) -> Self:
        """Open a store to look at it, next to no writer: a process that writes it has the file for itself.

        Raises:
            BrokenError: There is no store in that directory.
            TransientError: Another process is writing it; the message says which.
            UsageError: A newer Wellspring wrote it.
        """
        path = Path(directory).absolute()
        if not (path / DATABASE).is_file():
            raise BrokenError(
                f"there is no store in {path}", hint="make one with: wellspring build --store " + str(directory)
            )
        return cls.open(path)

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
        """Refuse a database that holds what would be taken for ours: functions, views for tables, computed columns."""
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
        views = [f"{noun}/{view}" for noun in records.TABLES for view in _VIEWS if f"{noun}/{view}" in queries(noun)]
        with self.transaction():  # one write to disk; those of later tables are made of those of earlier ones
            self._connection.execute("\n".join(statement(view)[0] for view in views))

    def _share(self, kept: outliving.Rows) -> None:
        """Bring in what this store's journal keeps for a database that is made anew, and have it keep what it lacks."""
        numbered = self.query("completions/latest", at_most=LANDMARKS).rows()
        pairing.refuse_strangers(self.path / JOURNAL, numbered, DATABASE)
        self.recall(kept)
        own = self._outliving()
        outliving.keep(self.path / JOURNAL, {table: sorted({*own[table]} - {*kept[table]}) for table in own})

    def recall(self, kept: outliving.Rows) -> None:
        """Take over rows that a journal keeps: what was forgotten, here or before this database was made."""
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
        """Run `sql/<name>.sql` and yield its rows in frames of about `rows`, as they were when it began."""
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
        """Write the database anew, so that nothing of what was deleted is left in its file.

        The copy takes the place of the file at once or not at all; nobody else may use this store's cursors meanwhile.
        """
        old, fresh = self.path / DATABASE, self.path / f"{DATABASE}.part"
        fresh.unlink(missing_ok=True)
        self.checkpoint()
        self._connection.close()
        try:
            with _named_errors(self), duckdb.connect(config=_LOCKED) as copier:
                copier.execute(f"ATTACH '{_quoted(old)}' AS old (READ_ONLY)")
                copier.execute(f"ATTACH '{_quoted(fresh)}' AS fresh")
                copier.execute("SET enable_external_access = false")
                copier.execute("COPY FROM DATABASE old TO fresh")
                copier.execute("DETACH fresh")
            files.put(fresh, old)
        finally:
            self._connection = _connect(self.path, self.memory_mb)

    def close(self) -> None:
        """Close the database and free the lock; closing twice is fine."""
        if self._lock is None:
            return
        self._connection.close()
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
        self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def version(directory: Path) -> int | None:
    """Return the version of a store's tables, and leave no trace of having looked; None if there is no telling.

    There is none where the database is not made yet, is damaged, or another process has it.
    """
    path = directory / DATABASE
    if not path.is_file():
        return None
    shut: dict[str, str | bool | int | float | list[str]] = {**_LOCKED, "enable_external_access": "false"}
    with suppress(duckdb.Error), closing(duckdb.connect(str(path), read_only=True, config=shut)) as connection:
        return _version(connection)
    return None


def refuse_newer(directory: Path) -> None:
    """Refuse a store that a newer Wellspring wrote, its journal too, before anything of it is touched.

    Raises:
        BrokenError: Something in it is a link.
        UsageError: The version of either is above those that this code knows.
    """
    links.refuse(directory)
    versions.refuse_newer("store", directory, version(directory) or 0)
    journal_file.refuse_newer(directory / JOURNAL)


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the version of the tables, 0 for those of before there were versions, None where there are none."""
    names = {row[0] for row in connection.execute(foreign.TABLES).fetchall()}
    if "upgrades" not in names:
        return 0 if names else None
    row = connection.execute("SELECT max(version) FROM upgrades").fetchone()
    return row[0] if row else None


def holder(directory: str | Path) -> Mapping[str, Any] | None:
    """Return who holds the store (pid, host, owner), or None when it is free.

    Raises:
        BrokenError: Something in it is a link.
    """
    links.refuse(Path(directory))
    path = Path(directory) / "wellspring.lock"
    if not path.is_file():
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_owner(descriptor)
    finally:
        os.close(descriptor)
    return None


def _acquire(path: Path, *, wait: bool, owner: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _locked(descriptor, path, wait=wait)
            who = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "owner": owner})
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, who.encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise BrokenError(
            f"{path} cannot be written: {error.strerror}", hint="free space, or let this user write the store"
        ) from error
    return descriptor


def _locked(descriptor: int, path: Path, *, wait: bool) -> None:
    """Take the lock, or say who has it."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if wait:
                time.sleep(LOCK_POLL_SECONDS)
                continue
            who = _read_owner(descriptor)
            process = f"process {who.get('pid', '?')} on {who.get('host', '?')} (run {who.get('owner') or 'unknown'})"
            raise TransientError(
                f"the store {path.parent} is open in {process}",
                hint="run it again when that one is done, or add --set wait=true to wait for it",
            ) from None
        return


def _read_owner(descriptor: int) -> dict[str, Any]:
    try:
        return files.of_shape(json.loads(os.pread(descriptor, 4096, 0) or b"{}"), dict[str, int | str])
    except (ValueError, RecursionError):
        return {}


def _connect(path: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    database = path / DATABASE
    _part_from_log(database)
    try:
        connection = duckdb.connect(
            str(database),
            config={
                **_LOCKED,
                "enable_external_access": "false",
                "temp_directory": str(path / "tmp"),
                "preserve_insertion_order": "true",
                "memory_limit": f"{memory_mb}MB",
            },
        )
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            said = str(error).split(". ")[0]  # with the program and its process
            hint = "close it there, then run the same command"
            raise TransientError(f"another program has the database open: {said}", hint=hint) from error
        raise _unusable(path, error, "cannot be opened") from error
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


def _unusable(path: Path, error: duckdb.Error, what: str) -> BrokenError:
    """Return what a person is told of a database that cannot be used, with the way out of a full disk or of damage."""
    said = str(error).splitlines()[0]
    anew = f"it is derived: {_ANEW}"
    if _is_of_the_disk(error):
        anew = "free space or repair the disk, then run the same command: it goes on where it stopped"
    elif "version number" in said:
        anew = f"another version of DuckDB wrote it: use that one (this is {duckdb.__version__}); or, since {anew}"
    return BrokenError(f"{path / DATABASE} {what}: {said}", hint=anew)


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
        return _unusable(store.path, error, "cannot be written")
    if isinstance(error, _OF_DAMAGE) or (isinstance(error, duckdb.Error) and _shows_damage(error)):
        return _unusable(store.path, error, "is damaged")
    return None


def _is_of_the_disk(error: duckdb.Error) -> bool:
    return any(sign in str(error) for sign in _OF_THE_DISK)


def _shows_damage(error: duckdb.Error) -> bool:
    return any(sign in str(error) for sign in _SIGNS_OF_DAMAGE)
