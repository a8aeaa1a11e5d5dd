"""Rows that must outlive the database: they are kept in the journal's file, too, which is never thrown away.

The database is derived: a person may move it away and have it made again. What was forgotten must not come back then,
and no archive says it. So the store brings these rows in when it is opened, and writes those here that are missing.

A journal that cannot be read stops a store whose database is gone (it could not know what it must not read), and no
other: that one has the rows itself.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.storage import journal_file, versions

TABLES = (
    "tombstones",
    "decisions",
)  # another one: its table in `_SCHEMA` of journal_file.py, and `all.sql` of its noun

Rows = Mapping[str, Sequence[tuple[Any, ...]]]  # by table; of those that outlive it, each value as text


def kept(path: Path, *, needed: bool) -> Rows | None:
    """Return the rows that a journal keeps; a journal that is not there keeps none.

    Args:
        path: The journal.
        needed: Nobody else has them: one that is known to be damaged is saved first, as far as it can be read.

    Returns:
        The rows; None where it cannot be read and they are not needed.

    Raises:
        BrokenError: They are needed, and it cannot be read.
    """
    if not journal_file.is_damaged(path) and not (path.is_file() and path.stat().st_size):
        return {table: [] for table in TABLES}
    try:
        if needed and journal_file.is_damaged(path):
            _made(path)
        with closing(journal_file.read_only(path)) as connection:
            return {table: connection.execute(_select(table)).fetchall() for table in TABLES}
    except journal_file.Failure as error:
        if needed:
            raise journal_file.broken(path, error) from error
        return None


def keep(path: Path, rows: Rows) -> None:
    """Write rows into the journal, which is made if need be; those that it has stay as they are.

    Raises:
        BrokenError: They cannot be written; none of them is.
    """
    if any(rows.values()):
        written(path, "INSERT OR IGNORE INTO", rows)


def written(path: Path, insert: str, rows: Rows) -> None:
    """Write rows into the tables of a journal that nobody has opened; it is made if need be.

    Raises:
        BrokenError: They cannot be written; none of them is.
    """
    try:
        if journal_file.version(path) != versions.newest("journal"):
            _made(path)
        with closing(journal_file.connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            for table, values in rows.items():
                if values:
                    marks = ", ".join("?" * len(values[0]))
                    connection.executemany(f"{insert} {table} VALUES ({marks})", values)
            connection.execute("COMMIT")
    except journal_file.Failure as error:
        raise journal_file.broken(path, error) from error


def _made(path: Path) -> None:
    """Make the journal, bring it up to date, or save what can be read of it, while nobody else writes it."""
    with journal_file.held(path, owner="its store") as (_, lost):
        pass
    if lost:
        raise BrokenError(
            f"the journal {path} was damaged: {lost} recorded answers are lost, all others are saved",
            hint="run the same command again: only what is lost is asked for again",
        )


def _select(table: str) -> str:
    names = ", ".join(records.schema(table).names)
    return f"SELECT {names} FROM {table} ORDER BY {names}"  # noqa: S608 - our own names
