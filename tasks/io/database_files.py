"""One SELECT of a table's card, over a DuckDB file or over the rows of any other table: opened to be read, and locked.

The connection reads no other file, no network and no extension, and its settings cannot be changed. A query that does
not come to its end in 10 minutes is interrupted. A file that is damaged, of a newer DuckDB, or lacks what the query
names, is a `ValueError`.
"""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

ROWS = "rows"  # what the query calls a table that is no database
SECONDS, MEMORY_MB, BATCH_ROWS = 600.0, 512, 1_000
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "memory_limit": f"{MEMORY_MB}MB",
    "max_temp_directory_size": "0MB",
}


def of_database(path: Path, sql: str) -> Iterator[dict[str, Any]]:
    """Yield what a query gives of a DuckDB file.

    Args:
        path: Of the file; it is not changed.
        sql: One SELECT over its tables, in an order that it names itself.

    Raises:
        ValueError: It is no SELECT alone, or fails; or the file is no database.
    """
    with _failing(), closing(duckdb.connect(str(path), read_only=True, config=_LOCKED)) as connection:
        yield from _selected(connection, sql)


def of_rows(rows: pa.Table, sql: str) -> Iterator[dict[str, Any]]:
    """Yield what a query gives of a table, which it calls `rows`.

    Raises:
        ValueError: It is no SELECT alone, or fails.
    """
    with _failing(), closing(duckdb.connect(":memory:", config=_LOCKED)) as connection:
        connection.register(ROWS, rows)
        yield from _selected(connection, sql)


def _selected(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[dict[str, Any]]:
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET lock_configuration = true")
    found = connection.extract_statements(sql)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise ValueError("`sql` is no SELECT alone")
    timer = threading.Timer(SECONDS, connection.interrupt)
    timer.start()
    try:
        result = connection.execute(found[0])
        names = [column[0] for column in result.description or ()]
        while rows := result.fetchmany(BATCH_ROWS):
            yield from (dict(zip(names, map(_plain, row), strict=True)) for row in rows)
    finally:
        timer.cancel()


def _plain(value: Any) -> Any:
    """Return a sum or a date as a text: a cell of a table is one."""
    return str(value) if isinstance(value, Decimal | date | time) else value


@contextmanager
def _failing() -> Generator[None]:
    """Say what DuckDB says as a fault of the file."""
    try:
        yield
    except duckdb.Error as error:
        raise ValueError(f"`sql` fails: {str(error)[:200]}") from error
