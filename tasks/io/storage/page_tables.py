"""SQL that a model wrote, over the tables of a page: in memory, locked down, for a moment, and one SELECT alone.

The connection reads no file, no network and no extension, and its settings cannot be changed. It has one thread and
little memory, spills nothing, and is interrupted when its time is over. A single function can outlive that and take
memory that nobody counts (`repeat('x', 1000000000)`: 31 s), so only those run that are named here, over these tables.
What two runs do not agree on is `unstable`.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple, cast

import duckdb

VERSION = f"duckdb {duckdb.__version__}"
SECONDS, MEMORY_MB, MOST_ROWS, MOST_CELLS = 1.0, 64, 100, 20_000
SQL_CHARS = 4_000
_ALLOWED = """
+ - * / // % ~~ !~~ ~~* !~~* abs round floor ceil ceiling sign sqrt greatest least trunc
count count_star sum avg min max median mode first last any_value stddev variance bool_and bool_or
arg_max arg_min max_by min_by quantile_cont quantile_disc
lower upper trim ltrim rtrim length strlen left right substr substring contains starts_with ends_with prefix suffix
position strpos instr regexp_matches coalesce ifnull nullif date_part year month day
row_number rank dense_rank lag lead first_value last_value ntile
"""
FUNCTIONS = frozenset(_ALLOWED.split())
_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE"})
_REACHING = ("_FUNCTION", "_NODE", "_TABLE", "PIVOT", "SHOW_REF", "COLUMN_DATA", "DELIM_GET")
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "threads": 1,
    "memory_limit": f"{MEMORY_MB}MB",
    "max_temp_directory_size": "0MB",
}
_OUTCOMES = (
    (duckdb.InterruptException, "timeout"),
    (duckdb.OutOfMemoryException, "memory"),
    (duckdb.PermissionException, "denied"),
    (duckdb.Error, "error"),
)


class Found(NamedTuple):
    """What a query gave, if `outcome` is `ok`: rows of plain values; else what happened."""

    outcome: str
    rows: list[list[Any]]
    detail: str = ""


def query(sql: str, tables: Mapping[str, Mapping[str, Sequence[Any]]]) -> Found:
    """Ask a query of tables that are made for it.

    Args:
        sql: One SELECT, as a model wrote it.
        tables: By name; each has `columns`, `kinds` (VARCHAR or DOUBLE) and `rows`.

    Returns:
        `ok` with the rows; `error`, `denied` (it is no SELECT alone, or reaches outside), `timeout`, `memory`,
        `too_large`, or `unstable`.
    """
    first, second = _asked(sql, tables), _asked(sql, tables)
    if first.outcome == second.outcome == "ok" and repr(first.rows) != repr(second.rows):
        return Found("unstable", [], f"{first.rows} and {second.rows}"[:200])
    return first


def _asked(sql: str, tables: Mapping[str, Mapping[str, Sequence[Any]]]) -> Found:
    with closing(duckdb.connect(":memory:", config=_LOCKED)) as connection:
        for name, table in tables.items():
            _make(connection, name, table)
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET lock_configuration = true")
        timer = threading.Timer(SECONDS, connection.interrupt)
        timer.start()
        try:
            if denied := _denied(connection, sql, tables):
                return Found("denied", [], denied)
            rows = connection.execute(sql).fetchmany(MOST_ROWS + 1)
        except duckdb.Error as error:
            return Found(next(name for kind, name in _OUTCOMES if isinstance(error, kind)), [], str(error)[:200])
        finally:
            timer.cancel()
    if len(rows) > MOST_ROWS:
        return Found("too_large", [], f"more than {MOST_ROWS} rows")
    return Found("ok", [[_plain(value) for value in row] for row in rows])


def _denied(connection: duckdb.DuckDBPyConnection, sql: str, tables: Mapping[str, Any]) -> str:
    """Return what a query may not do, as its tree shows it; '' where it may."""
    if len(sql) > SQL_CHARS:
        return f"{len(sql)} characters"
    told = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    tree = json.loads(told[0]) if told else {}
    if tree.get("error", True) or len(tree["statements"]) != 1:
        return "it is no SELECT alone"
    nodes = list(_nodes(tree))
    known = {*tables, *(one["key"] for node in nodes for one in node.get("cte_map", {}).get("map", ()))}
    for node in nodes:
        kind, name = str(node.get("type", "")), node.get("function_name")
        if name is not None and name not in FUNCTIONS:
            return f"it calls `{name}`"
        if "class" not in node and kind not in _SOURCES and kind.endswith(_REACHING):
            return f"it reads by {kind}"
        if kind == "BASE_TABLE" and (node["table_name"] not in known or node["schema_name"] or node["catalog_name"]):
            return f"it reads `{node['table_name']}`"
    return ""


def _nodes(part: object) -> Iterator[dict[str, Any]]:
    """Yield all objects of a tree."""
    if isinstance(part, dict):
        found = cast("dict[str, Any]", part)
        yield found
        for inner in found.values():
            yield from _nodes(inner)
    elif isinstance(part, list):
        for inner in cast("list[object]", part):
            yield from _nodes(inner)


def _make(connection: duckdb.DuckDBPyConnection, name: str, table: Mapping[str, Sequence[Any]]) -> None:
    """Make a table; its names are quoted, since a page wrote them."""
    columns = ", ".join(f"{_quoted(one)} {kind}" for one, kind in zip(table["columns"], table["kinds"], strict=True))
    connection.execute(f"CREATE TABLE {_quoted(name)} ({columns})")
    rows = [list(row) for row in table["rows"]]
    if len(rows) * len(table["columns"]) > MOST_CELLS:
        rows = rows[: MOST_CELLS // len(table["columns"])]
    if rows:
        marks = ", ".join("?" for _ in table["columns"])
        connection.executemany(f"INSERT INTO {_quoted(name)} VALUES ({marks})", rows)  # noqa: S608 - its names are quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
