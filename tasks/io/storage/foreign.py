"""What a database holds that Wellspring did not make: functions in the place of DuckDB's own, views for our tables.

A database is one file, and may come from elsewhere. A macro that is called as one of DuckDB's functions is called in
its stead; a view of a table's name is taken for the table. Neither can read a file, since the connection is locked, but
what they say is not what was stored. They are asked for by full names (`system.main`), before which none can stand.
"""

from collections.abc import Iterable
from typing import Any

from wellspring.tasks.contracts import records

TABLES = "SELECT table_name FROM system.main.duckdb_tables()"
_MADE = (
    "SELECT 'macro', function_name FROM system.main.duckdb_functions() WHERE NOT internal",
    "SELECT 'view', view_name FROM system.main.duckdb_views() WHERE NOT internal",
    "SELECT 'schema', schema_name FROM system.main.duckdb_schemas() WHERE NOT internal",
)
_COLUMNS = "SELECT table_name, column_name, column_default FROM system.main.duckdb_columns() WHERE NOT internal"


def found(connection: Any) -> list[str]:
    """Return what is not ours and would be taken for it, as `kind name`; views of other names harm nobody."""
    made = [row for query in _MADE for row in connection.execute(query).fetchall()]
    strange = {
        f"{kind} {name}" for kind, name in made if kind == "macro" or (kind == "view" and name in records.TABLES)
    }
    strange |= {f"schema {name}" for kind, name in made if kind == "schema" and name not in {"main", "temp"}}
    return sorted(strange) + sorted(set(_computed(connection.execute(_COLUMNS).fetchall())))


def _computed(columns: Iterable[tuple[str, str, str | None]]) -> Iterable[str]:
    """Yield columns of our tables that are computed: ours hold what was written, or a plain default."""
    for table, column, default in columns:
        if table in records.TABLES and default is not None and "(" in default.replace("CAST(", ""):
            yield f"computed column {table}.{column}"
